"""The key by which copies of one mail are known."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiski.channels.email.parsing.dedupe import dedupe_key
from tiski.channels.email.parsing.model import Request
from tiski.channels.email.parsing.reading import parse

MAILS = Path(__file__).parent / "mails"
LETTER = b"""Message-ID: <a@b>\r
From: ada@example.org\r
Date: Mon, 16 Nov 2026 12:01:00 +0200\r
Subject: Tilaus\r
\r
Hei\r
"""


@pytest.mark.parametrize(
    "copy",
    [
        b"Received: from mx by mx2\r\nDelivered-To: tuki@teepuoti.example\r\n" + LETTER,
        LETTER.replace(b"\r\n", b"\n"),
        LETTER + b"\r\n\r\n",
        LETTER.replace(b"Subject: Tilaus", b"Subject:\r\n Tilaus"),
        b"\r\n" + LETTER,
    ],
)
def test_a_copy_by_another_way_is_the_same_mail(copy: bytes) -> None:
    assert dedupe_key(copy) == dedupe_key(LETTER)


@pytest.mark.parametrize(
    "other",
    [
        LETTER.replace(b"Hei", b"Hoi"),
        LETTER.replace(b"<a@b>", b"<c@b>"),
        LETTER.replace(b"ada@", b"ben@"),
        LETTER.replace(b"12:01", b"12:02"),
        LETTER.replace(b"Tilaus", b"Palautus"),
    ],
)
def test_another_mail_with_the_same_id_is_another_mail(other: bytes) -> None:
    assert dedupe_key(other) != dedupe_key(LETTER)


@pytest.mark.parametrize("file", sorted(MAILS.glob("[!b]*.eml")), ids=lambda file: file.stem)
def test_the_key_before_parsing_is_the_key_after(file: Path) -> None:
    raw = file.read_bytes()

    assert parse(Request(raw=raw)).dedupe_key == dedupe_key(raw)


@pytest.mark.parametrize(
    "raw", [b"", b"\0" * 100, bytes(range(256)), b"X: " + b"a" * 300_000, b"\r\r\r", b"a: b\rc: d\r\rHei"]
)
def test_any_bytes_have_a_key(raw: bytes) -> None:
    assert len(dedupe_key(raw)) == 64


@given(st.binary(max_size=500))
def test_no_bytes_make_it_fail(raw: bytes) -> None:
    assert dedupe_key(raw) == dedupe_key(bytes(raw))
