"""Answers that anyone may keep, kept for a moment: the front page of a busy shop asks for the same two files all day.

A shared cache as RFC 9111 has it, for what says `Cache-Control: public`, of a few seconds and a few megabytes.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tiski.kernel.live.gate import Scope

KEPT_SECONDS = 5.0
MOST, MOST_VARIANTS = 64, 16
LARGEST = 32 * 1024
NOT_FOR_OTHERS = frozenset({b"set-cookie"})
OF_ONE_REQUEST = frozenset({b"x-request-id"})
ASKS_FOR_MORE = frozenset({b"authorization", b"range", b"cache-control", b"pragma"})
OF_A_BODY = frozenset({b"content-length", b"content-encoding", b"content-type"})
_FRESH = re.compile(rb"(?:^|,)\s*public\s*,.*max-age=([1-9]\d*)")

Headers = Sequence[tuple[bytes, bytes]]
_Address = tuple[bytes, str, bytes]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    until: float


@dataclass(slots=True)
class _Variants:
    """The answers at one address, by the values of the headers that `Vary` names."""

    names: tuple[bytes, ...]
    answers: dict[tuple[bytes, ...], Kept] = field(default_factory=dict)


class PublicAnswers:
    """The answers kept by one process; those of the least recently asked for address are thrown out first."""

    def __init__(self) -> None:
        self._addresses: OrderedDict[_Address, _Variants] = OrderedDict()

    def find(self, scope: Scope) -> Kept | None:
        """What answers this request; 304 without a body where the visitor has it already."""
        asked = dict(scope["headers"])
        if scope["method"] != "GET" or not ASKS_FOR_MORE.isdisjoint(asked):
            return None
        address = _address(scope, asked)
        variants = self._addresses.get(address)
        if variants is None:
            return None
        self._addresses.move_to_end(address)
        found = variants.answers.get(_values(variants.names, asked))
        if found is None or found.until <= time.monotonic():
            return None
        return _unless_known(found, asked.get(b"if-none-match", b""))

    def keep(self, scope: Scope, status: int, headers: Headers, body: bytes) -> None:
        """Keep an answer, if it may be: whole, public and fresh, and with nothing in it for one visitor alone."""
        given, asked = dict(headers), dict(scope["headers"])
        fresh = _FRESH.search(given.get(b"cache-control", b""))
        names = tuple(sorted(name.strip() for name in given.get(b"vary", b"").lower().split(b",") if name.strip()))
        if (
            scope["method"] != "GET"
            or status != 200
            or fresh is None
            or len(body) > LARGEST
            or b"*" in names
            or not NOT_FOR_OTHERS.isdisjoint(given)
            or not ASKS_FOR_MORE.isdisjoint(asked)
        ):
            return
        variants = self._addresses.setdefault(_address(scope, asked), _Variants(names))
        if variants.names != names or len(variants.answers) >= MOST_VARIANTS:
            variants.names, variants.answers = names, {}
        shown = [(name, value) for name, value in headers if name not in OF_ONE_REQUEST]
        until = time.monotonic() + min(KEPT_SECONDS, float(fresh[1]))
        variants.answers[_values(names, asked)] = Kept(status, shown, body, until)
        if len(self._addresses) > MOST:
            self._addresses.popitem(last=False)


def _values(names: tuple[bytes, ...], asked: dict[bytes, bytes]) -> tuple[bytes, ...]:
    return tuple(asked.get(name, b"") for name in names)


def _address(scope: Scope, asked: dict[bytes, bytes]) -> _Address:
    return asked.get(b"host", b""), f"{scope['scheme']}:{scope['path']}", scope["query_string"]


def _unless_known(found: Kept, known: bytes) -> Kept:
    etag = dict(found.headers).get(b"etag", b"")
    tags = {tag.strip().removeprefix(b"W/") for tag in known.split(b",")}
    if not etag or etag.removeprefix(b"W/") not in tags:
        return found
    return Kept(304, [(name, value) for name, value in found.headers if name not in OF_A_BODY], b"", found.until)
