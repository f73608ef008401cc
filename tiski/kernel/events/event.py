"""What an event is, and the registry of events, handlers and schedules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

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


Heard = TypeVar("Heard", bound=Event)
Handle = Callable[[Any, FactRow], None]


@dataclass(frozen=True, slots=True)
class Handler:
    """A subscribed function. `ordered`: of one subject, an earlier delivery is finished before a later one starts.

    `slow`: it waits for someone outside the house.
    """

    name: str
    run: Handle
    event: type[Event]
    ordered: bool
    tries: int
    slow: bool = False


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
    event: type[Heard], *, ordered: bool = False, tries: int = 8, slow: bool = False
) -> Callable[[Callable[[Heard, FactRow], None]], Callable[[Heard, FactRow], None]]:
    """Subscribe a handler: it is called at least once for each such event, so it must be idempotent.

    A `slow` one waits for someone outside. It never keeps others waiting: a thread of the worker takes one such
    delivery at a time, and one thread takes none.
    """

    def subscribe(function: Callable[[Heard, FactRow], None]) -> Callable[[Heard, FactRow], None]:
        name = f"{function.__module__}.{function.__name__}".removeprefix("tiski.")
        handler = Handler(name, function, event, ordered, tries, slow)
        known = handlers.get(name)
        if known is not None and known.run.__code__ is not function.__code__:
            raise ValueError(f"two handlers are called {name}")
        if known is None:
            handlers[name] = handler
            handlers_of[event.name].append(handler)
        return function

    return subscribe


def every(interval: timedelta) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Run the function once per interval, counted from the epoch, on one worker."""

    def subscribe(function: Callable[[], None]) -> Callable[[], None]:
        name = f"{function.__module__}.{function.__name__}".removeprefix("tiski.")
        schedules[name] = Schedule(name, function, interval)
        return function

    return subscribe
