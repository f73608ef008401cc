"""The HTTP status of a refusal, for pages and the live half alike; refusals themselves know no HTTP."""

from __future__ import annotations

from http import HTTPStatus

from tiski.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal, StorageFull, TooMany, Unavailable

_of_kinds: dict[type[Refusal], int] = {
    NotFound: HTTPStatus.NOT_FOUND,
    NotAllowed: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.CONFLICT,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    StorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


def answered_with(status: int, kind: type[Refusal]) -> None:
    """Give one refusal a status of its own, other than its kind's."""
    _of_kinds[kind] = status


def status_of(refusal: Refusal) -> int:
    """The status of the nearest kind the refusal belongs to."""
    return next((int(_of_kinds[kind]) for kind in type(refusal).__mro__ if kind in _of_kinds), 400)
