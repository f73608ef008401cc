"""The environment of every template."""

from typing import Any

import jinja2
import pytest
from django.template import engines
from django.urls import NoReverseMatch
from django.utils import translation
from jinja2 import nodes
from markupsafe import Markup

from tiski.ui.jinja import environment, icon


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


def test_a_constant_icon_is_drawn_when_its_template_is_compiled(env: jinja2.Environment) -> None:
    parsed = env.parse('{{ icon("inbox", small=true) }}{{ icon(name) }}')
    calls = [call.node.name for call in parsed.find_all(nodes.Call) if isinstance(call.node, nodes.Name)]
    assert calls == ["icon"]
    assert [const.value for const in parsed.find_all(nodes.Const)] == [icon("inbox", small=True)]


def test_a_fixed_part_is_drawn_once_for_each_language() -> None:
    env, name = engines["jinja2"].env, "ui/_offline.html"  # type: ignore[attr-defined]
    for language in ("en", "fi"):
        with translation.override(language):
            first = drawn('{{ fixed("ui/_offline.html") }}')
            kept = env.drawn[name, language]
            assert drawn('{{ fixed("ui/_offline.html") }}') == first == kept
            assert env.drawn[name, language] is kept


def test_a_percent_sign_in_a_sentence_is_one() -> None:
    assert drawn('{{ _("100 %% of %(name)s", name="<tea>") }}') == "100 % of &lt;tea&gt;"


def test_numbers_and_safe_pieces_are_written_as_they_are() -> None:
    assert drawn("{{ a }}{{ b }}{{ c }}", a=7, b=Markup("<b>"), c="<i>") == "7<b>&lt;i&gt;"
