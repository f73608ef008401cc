"""Actions: the only functions that change state. One transaction, one actor, never inside a safe HTTP method."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import transaction

Given = ParamSpec("Given")
Result = TypeVar("Result")

safe_method: ContextVar[bool] = ContextVar("safe_method", default=False)
"""True while a GET, HEAD or OPTIONS request is answered: mail scanners and prefetchers follow every link."""
_inside: ContextVar[bool] = ContextVar("inside_an_action", default=False)


class ActorKind(StrEnum):
    """Who can cause a change."""

    AGENT = "agent"
    CUSTOMER = "customer"
    SYSTEM = "system"
    AUTOMATION = "automation"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: stands on every fact. `id` is the agent's or the customer's; the system has none."""

    kind: ActorKind
    id: int | None = None
    name: str = ""


SYSTEM = Actor(ActorKind.SYSTEM)


class ChangeInSafeMethod(RuntimeError):
    """A GET, HEAD or OPTIONS tried to change state: a defect in the view."""


def action(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Run the function in one transaction and refuse it inside GET, HEAD and OPTIONS; it must take `by`.

    An action inside another belongs to it: when it raises, all of it is undone, whether or not the exception is caught.
    """
    _require_an_actor(function)

    @wraps(function)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        _refuse_in_safe_method(function)
        # No savepoint for what belongs to another action: it would be two statements more for each.
        was_inside = _inside.get()
        token = _inside.set(True)
        try:
            with transaction.atomic(savepoint=not was_inside):
                return function(*args, **kwargs)
        finally:
            _inside.reset(token)

    return run


def reads_first(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """An action that finds out what it can before the transaction, for whose end others wait.

    The change itself is made by a private `@action`, which asks again for whatever must still hold.
    """
    _require_an_actor(function)

    @wraps(function)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        _refuse_in_safe_method(function)
        return function(*args, **kwargs)

    return run


def _require_an_actor(function: Callable[..., object]) -> None:
    if "by" not in inspect.signature(function).parameters:
        raise TypeError(f"{function.__qualname__} is an action and must take `by`: who does it")


def _refuse_in_safe_method(function: Callable[..., object]) -> None:
    if safe_method.get():
        raise ChangeInSafeMethod(f"{function.__qualname__} changes state and was called inside a safe HTTP method")
