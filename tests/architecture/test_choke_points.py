"""Dangerous things happen in one place each; going around it fails here. Each rule is shown to find what it forbids."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tiski.testing.rules import imports, looks, writes
from tiski.testing.rules.sources import Source, product, sources

PYTHON_RULES = [
    imports.restricted,
    imports.other_clocks,
    imports.model_lookups,
    looks.unescaped_text,
    writes.row_writes,
    writes.file_writes,
]
Rule = Callable[[Source], list[str]]


def _findings(rule: Rule, code: list[Source]) -> str:
    """What the rule says of our code; the storefronts are other people's pages, careless or strict on purpose."""
    ours = [source for source in code if not source.within("tiski/testing/storefronts/*")]
    return "\n".join(finding for source in ours for finding in rule(source))


@pytest.mark.parametrize("rule", PYTHON_RULES)
def test_no_product_code_goes_around_a_choke_point(rule: Rule) -> None:
    assert _findings(rule, product()) == ""


def test_templates_carry_no_code_no_styles_and_nothing_unescaped() -> None:
    assert _findings(looks.unsafe_markup, sources(".html", ".txt", under="tiski/")) == ""


def test_colours_are_tokens() -> None:
    assert _findings(looks.colour_literals, sources(".css")) == ""


def test_browser_code_runs_no_strings() -> None:
    assert _findings(looks.unsafe_script, sources(".js")) == ""


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (imports.restricted, "tiski/tea/actions.py", "from django.http import HttpResponse"),
        (imports.restricted, "tiski/tea/queries.py", "from django.shortcuts import redirect"),
        (imports.restricted, "tiski/tea/models.py", "from django import shortcuts"),
        (imports.restricted, "tiski/tea/links.py", "import hmac"),
        (imports.restricted, "tiski/tea/links.py", "from django.core.signing import TimestampSigner"),
        (imports.restricted, "tiski/tea/web/pages.py", "import httpx"),
        (imports.restricted, "tiski/tea/handlers.py", "from urllib.request import urlopen"),
        (imports.restricted, "tiski/tea/handlers.py", "import socket"),
        (imports.restricted, "tiski/tea/handlers.py", "import smtplib"),
        (imports.restricted, "tiski/tea/queries.py", "from redis import Redis"),
        (imports.restricted, "tiski/tea/handlers.py", "from imap_tools import MailBoxUnencrypted"),
        (imports.restricted, "tiski/tea/apps.py", "from django.db.models.signals import post_save"),
        (imports.restricted, "tiski/tea/cups.py", "import pickle"),
        (imports.other_clocks, "tiski/tea/actions.py", "at = datetime.now(UTC)"),
        (imports.other_clocks, "tiski/tea/actions.py", "at = timezone.now()"),
        (imports.model_lookups, "tiski/tea/actions.py", "Cup = apps.get_model('tea', 'Cup')"),
        (looks.unescaped_text, "tiski/tea/web/pages.py", "html = mark_safe(text)"),
        (looks.unescaped_text, "tiski/tea/queries.py", "html = markupsafe.Markup(text)"),
        (writes.row_writes, "tiski/tea/queries.py", "cup.save(update_fields=['name'])"),
        (writes.row_writes, "tiski/tea/web/pages.py", "Cup.objects.create(name='Sencha')"),
        (writes.row_writes, "tiski/tea/handlers.py", "Cup.objects.filter(name='Sencha').update(name='Gyokuro')"),
        (writes.row_writes, "tiski/tea/handlers.py", "cup.delete()"),
        (writes.row_writes, "tiski/tea/handlers.py", "Cup.unscoped.bulk_create(cups)"),
        (writes.row_writes, "tiski/tea/queries.py", "cursor.execute('UPDATE tea_cup SET name = %s', ['Sencha'])"),
        (writes.file_writes, "tiski/tea/actions.py", "open(name, 'wb')"),
        (writes.file_writes, "tiski/tea/actions.py", "path.open(mode='a')"),
        (writes.file_writes, "tiski/tea/actions.py", "path.write_bytes(picture)"),
        (writes.file_writes, "tiski/tea/models.py", "photo = models.ImageField()"),
        (looks.unsafe_markup, "tiski/tea/templates/tea/cup.html", "<b hx-on:click='drink()'>"),
        (looks.unsafe_markup, "tiski/tea/templates/tea/cup.html", "<b hx-vals='js:{a: 1}'>"),
        (looks.unsafe_markup, "tiski/tea/templates/tea/cup.html", '<b style="color: red">'),
        (looks.unsafe_markup, "tiski/tea/templates/tea/cup.html", "<script>drink()</script>"),
        (looks.unsafe_markup, "tiski/tea/templates/tea/cup.html", "<b onclick='drink()'>"),
        (looks.unsafe_markup, "tiski/tea/templates/tea/cup.html", "{{ message|safe }}"),
        (looks.unsafe_markup, "tiski/tea/templates/tea/cup.html", "{% autoescape false %}"),
        (looks.colour_literals, "tiski/tea/static/tea/cup.css", ".cup { color: #0f0; }"),
        (looks.colour_literals, "tiski/tea/static/tea/cup.css", ".cup { border: 1px solid white; }"),
        (looks.colour_literals, "tiski/tea/static/tea/cup.css", ".cup { background: oklch(0.7 0.1 140); }"),
        (looks.unsafe_script, "tiski/tea/static/tea/cup.js", "cup.innerHTML = text;"),
        (looks.unsafe_script, "tiski/tea/static/tea/cup.js", "eval(text);"),
    ],
)
def test_the_rule_finds_it(rule: Rule, path: str, text: str) -> None:
    assert len(rule(Source(path, text))) == 1


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (imports.restricted, "tiski/tea/web/pages.py", "from django.http import HttpResponse"),
        (imports.restricted, "tiski/kernel/http/sockets.py", "import socket"),
        (imports.restricted, "tiski/tea/mail.py", "from smtplib import SMTPException"),
        (imports.restricted, "tiski/tea/models.py", "from django.db import models\nimport django"),
        (imports.other_clocks, "tiski/tea/actions.py", "at = clock.now()"),
        (looks.unescaped_text, "tiski/tea/queries.py", "html: Markup"),
        (writes.row_writes, "tiski/tea/actions.py", "cup.save()"),
        (
            writes.row_writes,
            "tiski/tea/queries.py",
            "known.update(more)\ndigest.update(b'tea')\nrow = dict(a=1).copy()",
        ),
        (writes.row_writes, "tiski/tea/pictures.py", "picture.save(stream, 'PNG')"),
        (writes.file_writes, "tiski/tea/queries.py", "open(name, 'rb')\npath.open()"),
        (looks.unsafe_markup, "tiski/tea/templates/tea/cup.html", "{# style= #}{% macro cup(style='plain') %}"),
        (
            looks.unsafe_markup,
            "tiski/tea/templates/tea/cup.html",
            '<script type="module" src="/static/cup.js"></script>',
        ),
        (looks.colour_literals, "tiski/tea/static/tea/tokens.css", ":root { --green: #0a0; }"),
        (looks.colour_literals, "tiski/tea/static/tea/cup.css", ".white-tea { color: var(--green); } /* #fff */"),
        (looks.colour_literals, "tiski/tea/static/tea/cup.css", "a { color: CanvasText; border-color: transparent; }"),
        (looks.unsafe_script, "tiski/tea/static/tea/cup.js", "cup.textContent = text;"),
    ],
)
def test_the_rule_lets_the_right_way_pass(rule: Rule, path: str, text: str) -> None:
    assert rule(Source(path, text)) == []
