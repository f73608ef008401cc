"""What may be kept for others, for whom, and for how long."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tiski.config import public_answers
from tiski.config.public_answers import PublicAnswers

FILE = [(b"cache-control", b"public, max-age=60"), (b"etag", b'"a1"'), (b"vary", b"Accept-Encoding, accept-language")]
OWN = [(b"cache-control", b"private, max-age=60")]


def asked(path: str = "/w/loader.js", method: str = "GET", **headers: str) -> dict[str, Any]:
    """A request's scope."""
    sent = {"host": "tiski.example", **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode()) for name, value in sent.items()]
    return {"method": method, "scheme": "https", "path": path, "query_string": b"", "headers": raw}


@pytest.fixture
def answers() -> PublicAnswers:
    """One answer is kept."""
    found = PublicAnswers()
    found.keep(asked(), 200, [*FILE, (b"x-request-id", b"r1")], b"file")
    return found


def test_the_next_visitor_gets_what_was_kept_without_the_name_of_the_first_request(answers: PublicAnswers) -> None:
    kept = answers.find(asked(cookie="tiski_session=mia"))
    assert kept is not None
    assert (kept.status, kept.headers, kept.body) == (200, FILE, b"file")


@pytest.mark.parametrize(
    "other",
    [
        asked("/w/config/teepuoti.json"),
        asked(method="HEAD"),
        asked(method="POST"),
        asked(host="other.example"),
        asked() | {"query_string": b"lang=sv"},
        asked() | {"scheme": "http"},
        asked(accept_encoding="gzip"),
        asked(accept_language="sv"),
        asked(authorization="Bearer mia"),
        asked(range="bytes=0-1"),
        asked(cache_control="no-cache"),
    ],
)
def test_whatever_may_be_answered_otherwise_is_asked_of_the_application(
    answers: PublicAnswers, other: dict[str, Any]
) -> None:
    assert answers.find(other) is None


@pytest.mark.parametrize(
    ("status", "headers", "request_"),
    [
        (200, OWN, asked()),
        (200, [], asked()),
        (200, [(b"cache-control", b"public, max-age=0")], asked()),
        (200, [*FILE, (b"set-cookie", b"tiski_session=mia")], asked()),
        (200, [(b"cache-control", b"public, max-age=60"), (b"vary", b"*")], asked()),
        (404, FILE, asked()),
        (200, FILE, asked(method="HEAD")),
        (200, FILE, asked(authorization="Bearer mia")),
    ],
)
def test_what_is_not_for_everyone_is_not_kept(
    status: int, headers: list[tuple[bytes, bytes]], request_: dict[str, Any]
) -> None:
    answers = PublicAnswers()
    answers.keep(request_, status, headers, b"file")
    assert answers.find(asked()) is None


def test_nothing_large_is_kept() -> None:
    answers = PublicAnswers()
    answers.keep(asked(), 200, FILE, b"x" * (public_answers.LARGEST + 1))
    assert answers.find(asked()) is None


def test_who_has_it_already_is_told_so(answers: PublicAnswers) -> None:
    kept = answers.find(asked(if_none_match='"b2", W/"a1"'))
    assert kept is not None
    assert (kept.status, kept.body) == (304, b"")
    other = answers.find(asked(if_none_match='"b2"'))
    assert other is not None
    assert other.status == 200


def test_it_is_kept_for_a_few_seconds(answers: PublicAnswers, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + public_answers.KEPT_SECONDS + 0.1)
    assert answers.find(asked()) is None


def test_there_is_an_end_to_what_is_kept(answers: PublicAnswers) -> None:
    for number in range(public_answers.MOST_VARIANTS + 1):
        answers.keep(asked(accept_language=f"l{number}"), 200, FILE, b"file")
    assert answers.find(asked()) is None
    assert answers.find(asked(accept_language=f"l{public_answers.MOST_VARIANTS}")) is not None
    for number in range(public_answers.MOST):
        answers.keep(asked(f"/{number}"), 200, FILE, b"file")
    assert answers.find(asked(accept_language=f"l{public_answers.MOST_VARIANTS}")) is None
    assert answers.find(asked("/0")) is not None
