"""When a shop is open: pure reckoning over weekly intervals, exceptions and a timezone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Span = tuple[time, time]

HORIZON = 400
"""Days looked ahead for the next opening: a year and a summer's closing."""


@dataclass(frozen=True, slots=True)
class OpenState:
    """Whether the shop is open, and when that changes: UTC, or None where it does not within the horizon."""

    is_open: bool
    opens_at: datetime | None
    closes_at: datetime | None


@dataclass(frozen=True, slots=True)
class Timetable:
    """A shop's hours: spans by weekday (0 is Monday), spans by exceptional date, and the zone they are told in.

    A span belongs to the date on which it begins, and an exception replaces what would begin on its date. A closing
    time at or before the opening time lies on the next day.
    """

    week: Mapping[int, Sequence[Span]]
    exceptions: Mapping[date, Sequence[Span]]
    zone: ZoneInfo

    def state(self, at: datetime) -> OpenState:
        """Whether it is open at an aware moment."""
        today = at.astimezone(self.zone).date()
        last = today + timedelta(days=HORIZON)
        for opens, closes in _joined(self._spans(today - timedelta(days=1), last)):
            if closes <= at:
                continue
            if opens > at:
                return OpenState(False, opens, None)
            return OpenState(True, None, closes if closes.astimezone(self.zone).date() < last else None)
        return OpenState(False, None, None)

    def spans_of(self, day: date) -> Sequence[Span]:
        """The spans that begin on a date."""
        return self.exceptions.get(day, self.week.get(day.weekday(), ()))

    def _spans(self, first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            for opens, closes in sorted(self.spans_of(day)):
                closing_day = day if closes > opens else day + timedelta(days=1)
                begins = _moment(day, opens, self.zone, fold=0)
                ends = _moment(closing_day, closes, self.zone, fold=1)
                if begins < ends:  # a span inside the hour that spring skips does not exist
                    yield begins, ends


def _joined(spans: Iterator[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """Merge what touches or overlaps, so that a change at midnight is no closing."""
    current: tuple[datetime, datetime] | None = None
    for opens, closes in spans:
        if current is not None and opens <= current[1]:
            current = (current[0], max(current[1], closes))
            continue
        if current is not None:
            yield current
        current = (opens, closes)
    if current is not None:
        yield current


def _moment(day: date, at: time, zone: ZoneInfo, *, fold: int) -> datetime:
    """The moment a wall clock shows a time; of an hour that autumn repeats, `fold` picks the first or second.

    A wall time that spring skips is read with the offset before the change, as PEP 495 does for fold=0.
    """
    local = datetime.combine(day, at, tzinfo=zone)
    skipped = local.replace(fold=0).utcoffset() < local.replace(fold=1).utcoffset()  # type: ignore[operator]
    return local.replace(fold=0 if skipped else fold).astimezone(UTC)
