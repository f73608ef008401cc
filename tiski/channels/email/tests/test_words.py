"""Encoded words, parameters in pieces, header blocks, dates and ids."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiski.channels.email.parsing import headers, words
from tiski.channels.email.parsing.model import Findings, Unparseable


def shown(value: bytes) -> str:
    return words.display(value, Findings())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"Tilaus 1042", "Tilaus 1042"),
        (b"=?utf-8?q?my=C3=B6h=C3=A4ss=C3=A4_on?= paketti", "myöhässä on paketti"),
        (b"=?UTF-8?B?bXnDtmjDpHNzw6Q=?=", "myöhässä"),
        (b"=?utf-8?q?yksi?= =?utf-8?q?kaksi?=", "yksikaksi"),
        (b"=?utf-8?q?yksi?=\r\n\t=?utf-8?q?kaksi?=", "yksikaksi"),
        (b"=?utf-8?b?w6TDtg==?= ja =?utf-8?q?=C3=A5?=", "äö ja å"),
        (b"=?utf-8?b?bXnDtmjD?= =?utf-8?b?pHNzw6Q=?=", "myöhässä"),
        (b"=?utf-8*fi?q?p=C3=A4iv=C3=A4?=", "päivä"),
        (b"=?iso-8859-1?q?p=E4iv=E4?=", "päivä"),
        (b"=?us-ascii?q?p=E4iv=E4?=", "päivä"),
        (b"=?utf-8?b?bXnDtmjDpHNzw6Q?=", "myöhässä"),
        (b"=?nonsense?q?p=C3=A4iv=C3=A4?=", "päivä"),
        (b"=?utf-8?q?rivi=0D=0ABcc:_x?=", "rivi Bcc: x"),
        (b"=?utf-8?x?mit=C3=A4?=", "=?utf-8?x?mit=C3=A4?="),
        ("Myöhässä".encode(), "Myöhässä"),
        ("Myöhässä".encode("cp1252"), "Myöhässä"),
        (b"a\x00b\x07\r\n c", "ab c"),
        ("hinta \u202egpj.exe".encode(), "hinta gpj.exe"),
    ],
)
def test_a_subject_is_one_readable_line(value: bytes, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"; charset=utf-8", {"charset": "utf-8"}),
        (b'; Charset="UTF-8" ; format=flowed', {"charset": "UTF-8", "format": "flowed"}),
        (b'; boundary="a;b=c\\"d"', {"boundary": 'a;b=c"d'}),
        (b"; filename*=utf-8''p%C3%A4iv%C3%A4.pdf", {"filename": "päivä.pdf"}),
        (b"; filename=paiva.pdf; filename*=utf-8'fi'p%C3%A4iv%C3%A4.pdf", {"filename": "päivä.pdf"}),
        (b'; filename*0="pitka"; filename*1="nimi.pdf"', {"filename": "pitkanimi.pdf"}),
        (b"; filename*1=b.pdf; filename*0*=utf-8''%C3%A4", {"filename": "äb.pdf"}),
        (b"; filename*0*=utf-8''%2e%2e%2f; filename*1*=%2e%2e%2fetc", {"filename": "../../etc"}),
        (b'; name="=?utf-8?q?kuva_=C3=A4.png?="', {"name": "kuva ä.png"}),
        (b'; name="unfinished', {"name": "unfinished"}),
        (b";;; =x; y; z==", {"z": "="}),
    ],
)
def test_parameters_are_read_whole(value: bytes, expected: dict[str, str]) -> None:
    assert words.parameters(value, Findings()) == expected


@given(st.binary(max_size=300))
def test_no_header_bytes_make_the_readers_fail(value: bytes) -> None:
    assert "\n" not in shown(value)
    words.parameters(value, Findings())
    headers.message_ids(value)
    headers.date(value)


def test_fields_are_unfolded_and_found_by_name() -> None:
    found, body = headers.split(b"Subject: yksi\r\n  kaksi\r\nRECEIVED: a\r\nreceived : b\r\n\r\nHei")

    assert found.first("subject") == b"yksi  kaksi"
    assert found.all("received") == [b"a", b"b"]
    assert found.first("date") is None
    assert body == 53


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"A: b\n\nHei", b"Hei"),
        (b"A: b\r\n\r\nHei", b"Hei"),
        (b"A: b\n\r\nHei", b"Hei"),
        (b"A: b\nno header here\nHei", b"no header here\nHei"),
        (b"From ada@example.org Mon Nov 16 12:01:00 2026\nA: b\n\nHei", b"Hei"),
        (b"A: b", b""),
        (b"\nHei", b"Hei"),
        (b"", b""),
    ],
)
def test_the_body_begins_where_the_headers_end(raw: bytes, body: bytes) -> None:
    _, at = headers.split(raw)

    assert raw[at:] == body


def test_a_header_block_beyond_the_cap_is_refused() -> None:
    with pytest.raises(Unparseable, match="headers_too_large"):
        headers.split(b"X: " + b"a" * 300_000 + b"\n\nHei")


def test_a_large_body_without_a_blank_line_is_no_large_header() -> None:
    found, body = headers.split(b"A: b\n" + b"just words\n" * 50_000)

    assert found.first("a") == b"b"
    assert body == 5


@pytest.mark.parametrize(
    "value", [b"Mon, 16 Nov 2026 12:01:00 +0200", b"16 Nov 2026 10:01:00 -0000", b"16 Nov 26 5:01 EST"]
)
def test_a_date_is_read_in_utc(value: bytes) -> None:
    assert headers.date(value) == datetime(2026, 11, 16, 10, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", [None, b"", b"eilen", b"32 Nov 2026 12:01", b"16 Nov 99999 12:01:00 +0200", b"1" * 5000]
)
def test_a_date_that_means_nothing_is_none(value: bytes | None) -> None:
    assert headers.date(value) is None


def test_ids_are_found_whatever_stands_between_them() -> None:
    assert headers.message_ids(b"<a@b>\t(note) <c@\r\n d>,<e@f>") == ("<a@b>", "<c@d>", "<e@f>")
    assert headers.message_ids(b"a@b") == ("<a@b>",)
    assert headers.message_ids(b"your mail of Monday") == ()


def test_a_long_chain_of_references_keeps_its_first_and_its_last() -> None:
    found = headers.message_ids(b" ".join(b"<%d@b>" % number for number in range(500)))

    assert len(found) == 100
    assert (found[0], found[1], found[-1]) == ("<0@b>", "<401@b>", "<499@b>")
