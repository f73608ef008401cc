"""A bell that rings and a handler that does nothing but note when it was called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tiski.kernel.events import Event, FactRow, hears


@dataclass(frozen=True, slots=True, kw_only=True)
class Rang(Event):
    """Nothing to do, but someone must hear it."""

    name: ClassVar[str] = "bench.rang"
    number: int

    @property
    def subject(self) -> str:
        """Like a conversation's: facts are about something."""
        return f"bell-{self.number % 100}"


notes: list[tuple[float, float]] = []
"""When each delivery was handled, and how many seconds after its fact was written."""


@hears(Rang)
def do_nothing(event: Rang, fact: FactRow) -> None:
    """Note the time."""
    from tiski.kernel import clock

    now = clock.now()
    notes.append((now.timestamp(), (now - fact.at).total_seconds()))
