"""Hostile and damaged mails: every one is answered, in bounded time, and the next one too."""

import base64
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiski.channels.email.parsing.model import Parsed, Request, Unparseable
from tiski.channels.email.parsing.reading import parse

MAILS = [file.read_bytes() for file in sorted((Path(__file__).parent / "mails").glob("*.eml"))]
TOP = b"From: Ada <ada@example.org>\r\nTo: tuki@x.example\r\nSubject: x\r\nDate: Mon, 16 Nov 2026 12:01:00 +0200\r\n"
HTML = TOP + b"Content-Type: text/html\r\n\r\n"
SECONDS = 10.0


def nested(levels: int) -> bytes:
    return TOP + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(levels)
    )


HOSTILE: dict[str, Callable[[], bytes]] = {
    "2,000 brackets in From": lambda: TOP.replace(b"Ada <ada@example.org>", b"(" * 2000) + b"\r\nx",
    "16,000 senders": lambda: b"From: " + b", ".join(b"a%d@x.example" % n for n in range(16_000)) + b"\r\n\r\nx",
    "12,000 recipients": lambda: (
        TOP.replace(b"tuki@", b", ".join(b"a%d@x.fi" % n for n in range(12_000)) + b", b@") + b"\r\nx"
    ),
    "3,000 nested parts": lambda: nested(3000) + b"\r\nx",
    "500 enclosed mails": lambda: TOP + b"Content-Type: message/rfc822\r\n\r\n" * 500 + b"Subject: x\r\n\r\nx",
    "100,000 parts": lambda: TOP + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100_000,
    "32,000 divs": lambda: HTML + b"<div>" * 32_000 + b"x",
    "20,000 fonts": lambda: HTML + b"".join(b"<font color=c%d>" % n for n in range(20_000)) + b"<p>x" * 20_000,
    "100,000 open tags": lambda: HTML + b"<a \"'<" * 100_000,
    "500,000 brackets": lambda: HTML + b"<" * 500_000,
    "500,000 open comments": lambda: HTML + b"<!--" * 500_000,
    "30,000 quotes in quotes": lambda: HTML + b"<blockquote type=cite>x" * 30_000,
    "ends without beginnings": lambda: HTML + b"<div> " * 100_000 + b"</pre> </p>" * 80_000,
    "100,000 ampersands": lambda: HTML + b"<p>&" * 100_000,
    "15,000 encoded words": lambda: TOP.replace(b": x", b": " + b"=?utf-8?q?a?= " * 15_000) + b"\r\nx",
    "unfinished encoded words": lambda: TOP.replace(b": x", b": " + b"=?a?b?" * 35_000) + b"\r\nx",
    "unfinished parameters": lambda: TOP + b"Content-Type: text/plain; " + b'a*1*="' * 20_000 + b"\r\n\r\nx",
    "unfinished comments": lambda: TOP + b"Authentication-Results: " + b"(" * 60_000 + b"\r\n\r\nx",
    "boundaries that are none": lambda: (
        TOP + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"\n--b    x" * 500_000
    ),
    "references without end": lambda: TOP + b"References: " + b"<a" * 100_000 + b"\r\n\r\nx",
    "a page of attributions": lambda: TOP + b"\r\n" + b"ma 1.1.2026 kirjoitti \r\n" * 50_000,
    "a page of device lines": lambda: TOP + b"\r\n" + b"l\xc3\xa4hetetty iphoneiphoneiphone\r\n" * 20_000,
    "a page of labels": lambda: TOP + b"\r\n" + b"Aihe: x\r\n\r\nx\r\n" * 50_000,
    "flowing lines": lambda: TOP + b"Content-Type: text/plain; format=flowed\r\n\r\n" + b"a \r\n" * 1_000_000,
    "20 MB of line ends": lambda: TOP + b"\r\n" + b"\n" * 20_000_000,
    "20 MB of damaged base64": lambda: (
        TOP + b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"=\xff*!ab" * 3_000_000
    ),
    "15 MB of attachment": lambda: (
        TOP
        + b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(random.Random(7).randbytes(11_000_000))
    ),
    "a bounce of 100,000 recipients": lambda: b"From: MAILER-DAEMON@x.fi\r\n\r\n" + b"<a@b.fi>:\r\n550 x\r\n" * 100_000,
}


def attempt(raw: bytes) -> Parsed | None:
    try:
        return parse(Request(raw=raw, own_addresses=("tuki@teepuoti.example",), authserv_ids=("mx",)))
    except Unparseable:
        return None


def storable(mail: Parsed) -> bool:
    """Whether a database takes every text of the mail: no NUL, no half of a surrogate pair."""
    return all("\0" not in text and text.encode("utf-8") is not None for text in _texts(msgspec.to_builtins(mail)))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for item in value.values() for text in _texts(item))
    elif isinstance(value, list | tuple):
        yield from (text for item in value for text in _texts(item))


@pytest.mark.parametrize("name", HOSTILE)
def test_a24_a_hostile_mail_costs_bounded_time(name: str) -> None:
    raw = HOSTILE[name]()
    began = time.process_time()

    mail = attempt(raw)

    assert time.process_time() - began < SECONDS
    assert mail is None or storable(mail)


def test_a24_a_header_of_fifty_megabytes_is_refused_at_once() -> None:
    with pytest.raises(Unparseable, match="headers_too_large"):
        parse(Request(raw=TOP + b"X: " + b"a" * (49 * 1024 * 1024)))


def test_a24_more_than_fifty_megabytes_is_refused_at_once() -> None:
    with pytest.raises(Unparseable, match="too_large"):
        parse(Request(raw=b"a" * (50 * 1024 * 1024 + 1)))


@pytest.mark.parametrize("seed", range(20))
def test_damaged_copies_of_real_mails_are_survived(seed: int) -> None:
    chance = random.Random(seed)
    for whole in MAILS:
        raw = bytearray(whole)
        for _ in range(chance.randrange(1, 12)):
            at = chance.randrange(len(raw) + 1)
            until = at + chance.randrange(40)
            raw[at:until] = chance.choice(
                [b"", chance.randbytes(3), b"\n", b"\0", b'"', b"=?", b"--", b"<", raw[:until]]
            )
        mail = attempt(bytes(raw))
        assert mail is None or storable(mail)


def test_a_mail_cut_off_anywhere_is_survived() -> None:
    for whole in MAILS:
        for end in range(0, len(whole), 37):
            attempt(whole[:end])


@given(st.binary(max_size=600))
def test_any_bytes_are_survived(raw: bytes) -> None:
    attempt(raw)


FIELDS = st.sampled_from(
    [
        b"From",
        b"To",
        b"Subject",
        b"Content-Type",
        b"Content-Transfer-Encoding",
        b"Content-Disposition",
        b"Date",
        b"Return-Path",
    ]
)
VALUES = st.sampled_from(
    [
        b"multipart/mixed; boundary=b",
        b"multipart/alternative; boundary=b",
        b"multipart/report; report-type=delivery-status; boundary=b",
        b"message/delivery-status",
        b"text/html; charset=utf-7",
        b"text/plain; format=flowed; delsp=yes",
        b"base64",
        b"quoted-printable",
        b"attachment; filename*0*=utf-8''%; filename*1=",
        b"<>",
        b"MAILER-DAEMON@x",
    ]
)
LINES = st.builds(lambda name, value: name + b": " + value + b"\n", FIELDS, VALUES | st.binary(max_size=30))
BODIES = st.sampled_from([b"--b\n", b"--b--\n", b"\n", b"> x\n", b"<div>", b"=E4=\n", b"Action: failed\n", b"5.1.1\n"])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(LINES, max_size=6), st.lists(LINES | BODIES | st.binary(max_size=20), max_size=25))
def test_any_arrangement_of_real_pieces_is_survived(top: list[bytes], below: list[bytes]) -> None:
    mail = attempt(b"".join(top) + b"\n" + b"".join(below))

    assert mail is None or storable(mail)
