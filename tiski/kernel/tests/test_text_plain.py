"""Plain text: links, snippets, one-line texts and file names."""

from __future__ import annotations

import time
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from tiski.kernel.text import clean_line, clean_name, snippet, text_to_html

REL = 'rel="noopener noreferrer nofollow ugc"'


def test_text_is_escaped_and_keeps_its_line_breaks() -> None:
    html = text_to_html('Hei <b>Mia</b> & "muut"\r\nrivi 2\n\nrivi 4')

    assert html == "Hei &lt;b&gt;Mia&lt;/b&gt; &amp; &#34;muut&#34;<br>rivi 2<br><br>rivi 4"
    assert isinstance(html, Markup)


def test_a_web_address_becomes_a_link_that_names_its_host() -> None:
    assert text_to_html("Katso https://kauppa.example/tee?a=1&b=2.") == (
        f'Katso <a href="https://kauppa.example/tee?a=1&amp;b=2" {REL} target="_blank" title="kauppa.example">'
        "https://kauppa.example/tee?a=1&amp;b=2</a>."
    )


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("(https://a.example/x)", "https://a.example/x"),
        ("https://en.example/Foo_(bar)", "https://en.example/Foo_(bar)"),
        ("https://a.example/x, ja", "https://a.example/x"),
        ("https://a.example/x?!", "https://a.example/x"),
        ('"https://a.example/x"', "https://a.example/x"),
        ("<https://a.example/x>", "https://a.example/x"),
    ],
)
def test_punctuation_around_an_address_is_not_part_of_it(text: str, linked: str) -> None:
    assert f">{linked}</a>" in text_to_html(text)


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "ftp://a.example",
        "file:///etc/passwd",
        "//a.example",
        "http://mia@evil.example/",
        "https://bank.example@evil.example",
        "https://",
        "http://[::1",
        "hx-get=/x",
        "www.a.example",
    ],
)
def test_a18_other_schemes_and_disguised_hosts_are_not_links(text: str) -> None:
    assert "<a" not in text_to_html(text).replace('<a href="mailto:', "")


def test_a_host_that_only_looks_like_another_shows_its_real_name() -> None:
    html = text_to_html("https://аpple.example/")

    assert 'title="xn--pple-43d.example"' in html
    assert html.endswith('</a> <span class="link-host">(xn--pple-43d.example)</span>')


def test_mail_addresses_and_international_numbers_become_links() -> None:
    html = text_to_html("ada@example.org tai +358 40 123 4567, tilaus 1234567 ja 040 123 4567")

    assert f'<a href="mailto:ada@example.org" {REL}>ada@example.org</a>' in html
    assert f'<a href="tel:+358401234567" {REL}>+358 40 123 4567</a>' in html
    assert html.count("<a ") == 2


def test_a20_invisible_and_direction_changing_characters_are_dropped() -> None:
    assert text_to_html("a\u202eb\u200bc\x00d\x1b[31m\ue000") == "abcd[31m\ue000"
    assert text_to_html("👩\u200d💻") == "👩\u200d💻"


@given(st.text(max_size=300))
def test_any_text_is_shown_as_it_is_and_never_as_markup(text: str) -> None:
    html = str(text_to_html(text))
    without_links = html.replace("<br>", "")
    import re

    without_links = re.sub(
        r'<a href="[^"<>]*" rel="[^"<>]*"(?: target="_blank")?(?: title="[^"<>]*")?>|</a>', "", without_links
    )
    without_links = re.sub(r' <span class="link-host">\([a-z0-9.-]*\)</span>', "", without_links)
    assert "<" not in without_links
    assert ">" not in without_links
    assert set(unescape(without_links)) <= set(text)


def test_linking_takes_time_in_proportion_to_the_text() -> None:
    for piece in ("a", "a@", "+1", "http://", "a.", "mailto:", "a@a.", "+1 ", "https://a/(", ").,"):
        began = time.process_time()
        text_to_html(piece * (100_000 // len(piece)))
        assert time.process_time() - began < 2, piece


def test_a_snippet_is_one_line_cut_between_words() -> None:
    assert snippet("  Hei!\n\nMissä   tilaus on? ") == "Hei! Missä tilaus on?"
    assert snippet("Missä minun tilaukseni viipyy", 20) == "Missä minun…"
    assert snippet("x" * 50, 20) == "x" * 20 + "…"
    assert snippet("") == ""
    assert snippet("Hei " * 100_000).startswith("Hei Hei")
    assert len(snippet("Hei " * 100_000)) <= 121


def test_a13_one_line_holds_no_line_break() -> None:
    assert clean_line("Ada\r\nBcc: evil@example.com") == "Ada Bcc: evil@example.com"
    assert clean_line("a\u2028b\u0085c\td") == "a b c d"
    assert clean_line("\u202eAda\u200b\x00 ") == "Ada"
    assert clean_line("x" * 300) == "x" * 255


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("lasku.pdf", "lasku.pdf"),
        ("Teepuoti – kevät 2026 (2).jpeg", "Teepuoti – kevät 2026 (2).jpeg"),
        ("\u200b.htaccess", "htaccess"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("a\x00.php", "a.php"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("LPT¹.txt", "_LPT¹.txt"),
        ("console.txt", "console.txt"),
        ("..∕..∕", "_.._"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\temp\\a.txt", "C__temp_a.txt"),
        ("a\r\nX-Evil: 1.txt", "aX-Evil_ 1.txt"),
        ('"><img src=x>.png', "___img src=x_.png"),
        ("", "file"),
        ("...", "file"),
        ("name. . .", "name"),
    ],
)
def test_a26_a_file_name_is_a_name_and_never_a_path(given_name: str, shown: str) -> None:
    assert clean_name(given_name) == shown


@given(st.text(max_size=400), st.integers(20, 255))
def test_any_file_name_becomes_one_that_can_be_saved(name: str, longest: int) -> None:
    cleaned = clean_name(name, longest=longest)

    assert 0 < len(cleaned) <= longest + 1
    assert not set(cleaned) & set('/\\:*?"<>|\x00\r\n\u200b\u202e')
    assert not cleaned.startswith(".")
    assert not cleaned.endswith((".", " "))


def test_a_long_file_name_keeps_its_ending() -> None:
    assert clean_name("x" * 300 + ".jpeg") == "x" * 250 + ".jpeg"
    assert clean_name("x" * 300) == "x" * 255
    assert clean_name("x." + "y" * 300) == "x." + "y" * 253
