"""Mails made to kill what reads them: each costs itself alone, and the next one is read in the same cycle (A24)."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable

import pytest

from tiski.channels.email import child, receiving
from tiski.channels.email.parsing import limits
from tiski.conversations.models import InboundRaw, RawBytes
from tiski.testing.letterbox import Post

TOP = b"From: Eve <eve@example.net>\r\nTo: asiakaspalvelu@teepuoti.example\r\nSubject: Pommi\r\nMIME-Version: 1.0\r\n"
HTML = TOP + b"Content-Type: text/html; charset=utf-8\r\n\r\n"


def nested_parts(levels: int) -> bytes:
    """Multiparts inside each other, none of them closed."""
    opening = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    return TOP + b"".join(opening % (level, level) for level in range(levels)) + b"\r\nx"


def tnef(depth: int) -> bytes:
    """A `winmail.dat` with a `winmail.dat` in it, and so on."""
    inner = b"tee" if depth == 0 else tnef(depth - 1)
    attribute = struct.pack("<BII", 2, 0x0006800F, len(inner)) + inner + struct.pack("<H", sum(inner) & 0xFFFF)
    return struct.pack("<IH", 0x223E9F78, 1) + attribute


def attached(content: bytes, name: bytes) -> bytes:
    """A mail with one attachment."""
    head = b'Content-Type: application/ms-tnef; name="%s"\r\nContent-Transfer-Encoding: base64\r\n\r\n' % name
    return TOP + head + base64.encodebytes(content)


BOMBS: dict[str, Callable[[], bytes]] = {
    "32,000 nested div": lambda: HTML + b"<div>" * 32_000 + b"x",
    "3,000 nested multiparts": lambda: nested_parts(3000),
    "100,000 parts": lambda: TOP + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100_000,
    "2,000 brackets in From": lambda: TOP.replace(b"Eve <eve@example.net>", b"(" * 2000) + b"\r\nx",
    "16,000 senders": lambda: (
        TOP.replace(b"Eve <", b", ".join(b"a%d@x.fi" % at for at in range(16_000)) + b",<") + b"\r\n"
    ),
    "16,000 recipients": lambda: (
        TOP.replace(b"asiakas", b", ".join(b"a%d@x.fi" % at for at in range(11_000)) + b", a") + b"\r\n"
    ),
    "a header of 49 MB": lambda: TOP + b"X-Long: " + b"a" * (49 * 1024 * 1024) + b"\r\n\r\nx",
    "an unknown charset": lambda: TOP + b"Content-Type: text/plain; charset=x-\xff-klingon\r\n\r\n\xff\xfe\x00",
    "base64 garbage": lambda: attached(b"", b"a.pdf") + b"=\xff*!ab\r\n" * 500_000,
    "a winmail.dat in itself": lambda: attached(tnef(60), b"winmail.dat"),
    "500 enclosed mails": lambda: TOP + b"Content-Type: message/rfc822\r\n\r\n" * 500 + b"Subject: x\r\n\r\nx",
    "a table of 100,000 cells": lambda: HTML + b"<table>" + b"<td colspan=9999>" * 100_000,
    "an attribute list without end": lambda: HTML + b"<a " + b"x=y " * 300_000 + b">",
    "a million entities": lambda: HTML + b"<p>" + b"&lt;" * 400_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a24_a_bomb_costs_itself_and_the_next_mail_is_read_in_the_same_cycle(post: Post, name: str) -> None:
    bomb = BOMBS[name]()
    laid = [post.lay(bomb), post.lay(post.mail("Minä tulen perässä."))]
    with post.world.scope():
        for raw in InboundRaw.objects.filter(state="received").order_by("id"):
            receiving.understand(raw.id)
    first, second = (post.ledger(number) for number in laid)
    assert first.state in {"new", "quarantined", "ignored"}
    assert first.state != "quarantined" or first.reason
    assert bytes(RawBytes.unscoped.get(item_id=first.id).data) == bomb
    assert (second.state, second.conversation_id is not None) == ("new", True)
    assert second.message is not None
    assert second.message.body == "Minä tulen perässä."


def test_a24_what_is_too_much_to_be_shown_says_so(post: Post) -> None:
    raw = post.receive(BOMBS["a header of 49 MB"]())
    assert (raw.state, raw.reason) == ("quarantined", "headers_too_large")
    assert post.receive(BOMBS["16,000 senders"]()).reason == "from_several_addresses"
    shown = post.receive(BOMBS["32,000 nested div"]())
    assert shown.message is not None
    assert (shown.state, shown.message.body) == ("new", "x")


def test_a24_a_mail_of_which_nothing_can_be_shown_is_a_message_that_says_so(post: Post) -> None:
    broken, empty = post.receive(BOMBS["3,000 nested multiparts"]()), post.receive(post.mail("", subject="Soita"))
    assert broken.message is not None
    assert broken.message.body == "This message could not be displayed. Open the original to see what it holds."
    assert empty.message is not None
    assert (empty.state, empty.message.body) == ("new", "The message has no text.")


def test_a24_the_child_is_held_to_ten_seconds_and_half_a_gigabyte() -> None:
    assert (limits.CPU_SECONDS, limits.MEMORY_BYTES) == (10, 512 * 1024 * 1024)
    assert child.problems_with_limits() == []
