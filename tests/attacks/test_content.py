"""What strangers write travels on harmlessly: links, answers, letters of the instance, printing (A18, A19, A29)."""

from __future__ import annotations

import ast
import re
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

import pytest

from tiski.accounts import actions as accounts
from tiski.accounts.letters import invitation_letter, password_changed_letter, reset_letter
from tiski.accounts.models import Agent, Invitation
from tiski.channels.email import letters
from tiski.conversations.models import OutboxItem
from tiski.kernel import http
from tiski.kernel.http import AddressRefused
from tiski.kernel.text import render_untrusted_html, text_to_html
from tiski.testing.letterbox import Post, outgoing
from tiski.testing.rules.sources import product

from .hostile_html import VECTORS
from .mailroom import letter

SCHEMES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "jav\tascript:alert(1)",
    "jav&#x09;ascript:alert(1)",
    "&#x6A;avascript:alert(1)",
    "\x01javascript:alert(1)",
    "javascript&colon;alert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "blob:https://x/1",
    "filesystem:https://x/1",
    "ssh://evil.example",
    "magnet:?xt=1",
    "sms:+358401234567",
    "intent://x#Intent;end",
    "ms-word:ofe|u|https://evil.example/a.docm",
    "view-source:https://x/",
    "//evil.example/",
    "/sign-out/",
    "\\\\evil.example\\share",
    "https:evil.example",
]


@pytest.mark.parametrize("address", SCHEMES)
def test_a18_only_web_mail_and_telephone_become_links(address: str) -> None:
    for html in (f'<a href="{address}">x</a>', f"<a href='{address}'>x</a>", f"<a href={address}>x</a>"):
        clean = render_untrusted_html(html).html
        assert "href" not in clean or 'href="https:' in clean, clean
    for text in (address, f"({address})", f"Katso {address} heti"):
        shown = text_to_html(text)
        assert all(link.startswith(("http://", "https://", "tel:")) for link in re.findall('href="([^"]*)', shown)), (
            shown
        )


def test_a18_the_four_schemes_that_are_links_stay_links() -> None:
    for address in (
        "https://teepuoti.example/",
        "http://teepuoti.example/",
        "mailto:ada@example.fi",
        "tel:+358401234567",
    ):
        assert f'href="{address}"' in render_untrusted_html(f'<a href="{address}">x</a>').html


def leaving(post: Post, item: OutboxItem) -> EmailMessage:
    """The mail that leaves for an item of the outbox."""
    with post.world.scope():
        content = letters.letter(post.mailbox, outgoing(item)).content
    mail = BytesParser(policy=default).parsebytes(content)
    assert isinstance(mail, EmailMessage)
    return mail


def test_a19_an_answer_carries_nothing_of_the_hostile_mail(post: Post) -> None:
    raw = post.receive(letter("<h1>Hei</h1>" + "".join(VECTORS), subject="<script>alert(1)</script>"))
    assert raw.message is not None
    assert raw.message.html
    html = leaving(post, post.answer(raw)).get_body(("html",))
    assert html is not None
    text = html.get_content()
    assert "pwned" not in text
    assert not any(mark in text.lower() for mark in ("<form", "<script", "<img", "<link", "<iframe", "hx-", "src="))


@pytest.mark.parametrize("vector", VECTORS[::4], ids=range(0, len(VECTORS), 4))
def test_a19_what_an_agent_pastes_into_an_answer_leaves_as_text(post: Post, vector: str) -> None:
    html = leaving(post, post.answer(post.receive(post.mail()), f"Kirjoititte: {vector}")).get_body(("html",))
    assert html is not None
    begun = html.get_content().split("Kirjoititte:", 1)[1]
    ours = {"br>", "/p>", "/di", "/bo", "/ht", "a h", "/a>", "/td", "/tr", "/ta"}
    assert {part[:3] for part in begun.split("<")[1:]} <= ours
    assert "javascript:" not in "".join(part for part in begun.split("<") if part.startswith("a h"))


def test_a19_the_instances_own_letters_are_plain_text(post: Post) -> None:
    world = post.world
    Agent.objects.update(name="<img src=//evil.example>")
    accounts.invite(world.shop, email="elli@example.fi", role="agent", by=world.by_noor)
    sent = [reset_letter(world.mia), password_changed_letter(world.mia), invitation_letter(Invitation.unscoped.get())]
    assert {type(each.body) for each in sent} == {str}
    html_mail = [
        source.path
        for source in product()
        for node in ast.walk(source.tree())
        if isinstance(node, ast.Attribute) and node.attr in {"attach_alternative", "html_message"}
    ]
    assert html_mail == []


def test_a29_nothing_of_ours_renders_pages_or_papers() -> None:
    """There is no PDF and no print on the server; what would render must come with a fetcher that refuses, and here."""
    renderers = {"weasyprint", "pdfkit", "xhtml2pdf", "reportlab", "fpdf", "pypandoc", "playwright", "selenium", "wand"}
    found = [
        (source.path, name)
        for source in product()
        for node in ast.walk(source.tree())
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name]
        if name.split(".")[0] in renderers
    ]
    assert found == []


FETCHED = [
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/",
    "php://filter/convert.base64-encode/resource=/etc/passwd",
    "expect://id",
    "dict://127.0.0.1:11211/",
    "jar:http://evil.example!/",
    "netdoc:///etc/passwd",
    "ftp://127.0.0.1/",
    "data:text/html,x",
]


@pytest.mark.parametrize("address", FETCHED)
def test_a29_a_page_about_to_be_printed_names_no_file_and_the_fetcher_takes_none(address: str) -> None:
    for html in (
        f"<img src='{address}'>",
        f"<link rel=attachment href='{address}'>",
        f"<iframe src='{address}'></iframe>",
        f"<object data='{address}'></object>",
        f"<style>@import '{address}'; @font-face {{ src: url({address}) }}</style>",
        f"<svg><image href='{address}'/></svg>",
        f"<a href='{address}' rel=attachment>x</a>",
        f"<p style='background: url({address})'>x</p>",
    ):
        clean = render_untrusted_html(html, images=lambda source: source if source.startswith("cid:") else None).html
        assert "src=" not in clean
        assert "url(" not in clean
        assert address not in clean.replace(f'href="{address}"', "") or "<" not in clean
        assert "file:" not in clean
    with pytest.raises(AddressRefused):
        http.request("GET", address, resolver=lambda host: ["169.254.169.254"])
