"""What an event is, and the registry of events, handlers and schedules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from inspect import unwrap
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import msgspec

Data = dict[str, Any]


class Event:
    """Base of all events: frozen slotted keyword-only dataclasses in the past tense.

    `name` is the wire name (`conversations.assigned`). Fields are what JSON carries: text, numbers, booleans,
    None, lists, and times as ISO 8601.
    """

    __slots__ = ()
    name: ClassVar[str] = ""
    instance_wide: ClassVar[bool] = False  # may be emitted outside a shop

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.name:
            events[cls.name] = cls

    @property
    def subject(self) -> str:
        """The live topic this is news about (`conversation-7`), or empty."""
        return ""

    @property
    def ring(self) -> bool:
        """Whether agents who watch should hear it."""
        return False


class FactRow(msgspec.Struct, frozen=True):
    """A fact as read: `position` is its place in the publish sequence. Every message's is read: a struct is cheap."""

    id: int
    shop_id: int | None
    name: str
    subject: str
    data: Data
    actor_kind: str
    actor_id: int | None
    at: datetime
    ring: bool
    position: int


AnyEvent = TypeVar("AnyEvent", bound=Event)


class Heard(NamedTuple, Generic[AnyEvent]):
    """An event and the fact that tells of it."""

    event: AnyEvent
    fact: FactRow


Outcomes = Sequence[Exception | None]
"""How each delivery of a group ended, in its order: done, to be tried later (`Retry`), or failed."""
Handle = Callable[[Sequence[Heard[Any]]], Outcomes]


@dataclass(frozen=True, slots=True)
class Handler:
    """A subscribed function. `ordered`: of one subject, an earlier delivery is finished before a later one starts.

    `slow`: it waits for someone outside the house. `most`: how many events of one shop it is given at once.
    """

    name: str
    run: Handle
    event: type[Event]
    ordered: bool
    tries: int
    slow: bool = False
    most: int = 1


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function run once in every interval by whichever worker comes first."""

    name: str
    run: Callable[[], None]
    every: timedelta


events: dict[str, type[Event]] = {}
handlers: dict[str, Handler] = {}
handlers_of: dict[str, list[Handler]] = defaultdict(list)
schedules: dict[str, Schedule] = {}


class Retry(Exception):
    """Raised by a handler that wants to be called again after `after`, without counting as a failure."""

    def __init__(self, after: timedelta) -> None:
        super().__init__(f"again in {after}")
        self.after = after


def hears(
    event: type[AnyEvent], *, ordered: bool = False, tries: int = 8, slow: bool = False
) -> Callable[[Callable[[AnyEvent, FactRow], None]], Callable[[AnyEvent, FactRow], None]]:
    """Subscribe a handler: it is called at least once for each such event, so it must be idempotent.

    A `slow` one waits for someone outside. It never keeps others waiting: a thread of the worker takes one such
    delivery at a time, and one thread takes none.
    """

    def subscribe(function: Callable[[AnyEvent, FactRow], None]) -> Callable[[AnyEvent, FactRow], None]:
        @wraps(function)
        def run(heard: Sequence[Heard[AnyEvent]]) -> Outcomes:
            function(*heard[0])
            return [None]

        _subscribe(Handler(_name_of(function), run, event, ordered, tries, slow))
        return function

    return subscribe


def hears_many(
    event: type[AnyEvent], *, most: int, tries: int = 8
) -> Callable[[Callable[[Sequence[Heard[AnyEvent]]], Outcomes]], Callable[[Sequence[Heard[AnyEvent]]], Outcomes]]:
    """Subscribe a handler that is cheaper for several events than for each: up to `most` of one shop, oldest first.

    It answers with one outcome each, and may be given any of them again. When it raises, nothing of the group is taken
    as done, and each event is handed to it alone: what is wrong with one then harms no other.
    """

    def subscribe(
        function: Callable[[Sequence[Heard[AnyEvent]]], Outcomes],
    ) -> Callable[[Sequence[Heard[AnyEvent]]], Outcomes]:
        _subscribe(Handler(_name_of(function), function, event, False, tries, most=most))
        return function

    return subscribe


def every(interval: timedelta) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Run the function once per interval, counted from the epoch, on one worker."""

    def subscribe(function: Callable[[], None]) -> Callable[[], None]:
        name = _name_of(function)
        schedules[name] = Schedule(name, function, interval)
        return function

    return subscribe


def _name_of(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__name__}".removeprefix("tiski.")


def _subscribe(handler: Handler) -> None:
    known = handlers.get(handler.name)
    if known is None:
        handlers[handler.name] = handler
        handlers_of[handler.event.name].append(handler)
    elif unwrap(known.run).__code__ is not unwrap(handler.run).__code__:
        raise ValueError(f"two handlers are called {handler.name}")
