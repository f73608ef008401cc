"""The environment of every template."""

from typing import Any

import jinja2
import pytest
from django.template import engines
from django.urls import NoReverseMatch

from tiski.ui.jinja import environment


@pytest.fixture
def env() -> jinja2.Environment:
    """An environment with a page and a text mail."""
    templates = {"x.html": "<p>{{ name }}</p>", "x.txt": "{{ name }}"}
    return environment(loader=jinja2.DictLoader(templates))


def drawn(source: str, **context: Any) -> str:
    """A piece of template as the product would draw it."""
    return engines["jinja2"].from_string(source).render(context)


def test_pages_are_escaped_and_text_mails_are_not(env: jinja2.Environment) -> None:
    assert env.get_template("x.html").render(name="<b>Ada</b> & co") == "<p>&lt;b&gt;Ada&lt;/b&gt; &amp; co</p>"
    assert env.get_template("x.txt").render(name="<b>Ada</b> & co") == "<b>Ada</b> & co"


def test_undefined_names_raise(env: jinja2.Environment) -> None:
    with pytest.raises(jinja2.UndefinedError):
        env.get_template("x.html").render()


def test_what_is_put_into_a_sentence_is_escaped() -> None:
    assert drawn('{{ _("Closed by %(name)s", name=name) }}', name="<Ada>") == "Closed by &lt;Ada&gt;"


def test_an_icon_is_decoration() -> None:
    icon = '<svg class="i" aria-hidden="true" focusable="false"><use href="#i-inbox"/></svg>'
    assert drawn('{{ icon("inbox") }}') == icon
    assert 'class="i i--small"' in drawn('{{ icon("inbox", small=true) }}')


def test_an_address_is_made_from_the_name_of_its_view() -> None:
    assert drawn('{{ url("styleguide") }}') == "/_styleguide/"
    with pytest.raises(NoReverseMatch):
        drawn('{{ url("no-such-view") }}')


def test_attributes_of_a_button_are_escaped() -> None:
    source = '{% from "ui/components.html" import button %}{{ button("Poista", attrs={"hx-post": address}) }}'
    assert 'hx-post="/a/&#34;&gt;"' in drawn(source, address='/a/">')
