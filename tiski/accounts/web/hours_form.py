"""The week's opening hours as a form: any number of intervals a day, each a pair of times."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

from django.http import QueryDict
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from tiski.accounts.opening import Span
from tiski.accounts.queries import WeekDay
from tiski.kernel.errors import Refusal
from tiski.ui import formats

TIME = re.compile(r"([01]?\d|2[0-4])(?:[.:,]?([0-5]\d))?\Z", re.ASCII)
DAYS = range(7)
MINUTES_A_DAY = 24 * 60


@dataclass(slots=True)
class Row:
    """One interval as typed."""

    opens: str
    closes: str


@dataclass(slots=True)
class Day:
    """A day of the form: its field prefix, its name, its rows and what is wrong with them."""

    prefix: str
    name: str
    rows: list[Row]
    error: str = ""

    @property
    def spans(self) -> list[Span]:
        """The rows as times; rows left empty are no interval."""
        return [_span(row) for row in self.rows if row.opens or row.closes]


@dataclass(slots=True)
class HoursForm:
    """Seven days as typed or as stored. Times may be written 9, 9.30, 9:30, 930; 24 is midnight."""

    days: list[Day]
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, week: Sequence[WeekDay]) -> HoursForm:
        """The form showing stored hours."""
        return cls(
            [_day(day.weekday, [Row(written(a), written(b, closes=True)) for a, b in day.spans]) for day in week]
        )

    @classmethod
    def typed(cls, data: QueryDict) -> HoursForm:
        """The form as a browser sent it; `add` names a day that wants one more empty row."""
        form = cls([_day(weekday, _rows(data, f"day_{weekday}")) for weekday in DAYS])
        wanted = data.get("add", "")
        for day in form.days:
            if day.prefix == wanted:
                day.rows.append(Row("", ""))
        return form

    def is_valid(self) -> bool:
        """Whether every row is a pair of times; what is not stands beside its day."""
        for day in self.days:
            if not _is_readable(day):
                self._fault(day, _("Write both the opening and the closing time, for example 9:00 and 17:00."))
        return not self.errors

    def refuse(self, refusal: Refusal) -> None:
        """Show what an action refused beside the day it names, or above the form."""
        for day in self.days:
            if day.prefix == refusal.field:
                self._fault(day, str(refusal))
                return
        self.errors["form"] = str(refusal)

    @property
    def week(self) -> Mapping[int, Sequence[Span]]:
        """The intervals by weekday, for `actions.set_hours`."""
        return {weekday: day.spans for weekday, day in enumerate(self.days)}

    def _fault(self, day: Day, sentence: str) -> None:
        day.error = sentence
        self.errors[day.prefix] = sentence


@dataclass(slots=True)
class ExceptionForm:
    """A date with hours of its own: closed, or open at the times of its rows."""

    day_typed: str = ""
    reason: str = ""
    is_open: bool = False
    day: Day = field(default_factory=lambda: Day("exception", "", [Row("", "")]))
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def typed(cls, data: QueryDict) -> ExceptionForm:
        """The form as a browser sent it."""
        day = Day("exception", "", _rows(data, "exception") or [Row("", "")])
        return cls(data.get("date", "").strip(), data.get("reason", ""), data.get("kind") == "open", day)

    def is_valid(self) -> bool:
        """Whether it has a date, and times when it is open."""
        if not _is_date(self.day_typed):
            self.errors["date"] = _("Choose a date.")
        if not _is_readable(self.day) or (self.is_open and not self.day.spans):
            self.errors["exception"] = _("Write both the opening and the closing time, for example 9:00 and 17:00.")
        return not self.errors

    def refuse(self, refusal: Refusal) -> None:
        """Show what an action refused."""
        self.errors["exception"] = str(refusal)

    @property
    def chosen(self) -> date:
        """The date."""
        return date.fromisoformat(self.day_typed)

    @property
    def spans(self) -> list[Span]:
        """Its intervals; none when it is closed."""
        return self.day.spans if self.is_open else []


def read_time(typed: str) -> time:
    """9, 9.30, 9:30 or 930 as a time; 24 and 24.00 are midnight. Raises ValueError."""
    found = TIME.match(typed.strip())
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (24, 1)
    if hour * 60 + minute > MINUTES_A_DAY:
        raise ValueError(f"{typed!r} is no time of day")
    return time(hour % 24, minute)


def written(at: time, *, closes: bool = False) -> str:
    """A time as the reader's language writes it, 9.30 or 09:30; a day that ends at midnight closes at 24."""
    text = formats.clock(datetime.combine(date(2000, 1, 1), at, tzinfo=timezone.get_current_timezone()))
    return f"24{text[-3:]}" if closes and at == time(0) else text


def _day(weekday: int, rows: list[Row]) -> Day:
    return Day(f"day_{weekday}", str(WEEKDAYS[weekday]), rows)


def _rows(data: QueryDict, prefix: str) -> list[Row]:
    opens, closes = data.getlist(f"{prefix}_opens"), data.getlist(f"{prefix}_closes")
    return [Row(a.strip(), b.strip()) for a, b in zip(opens, closes, strict=False) if a.strip() or b.strip()]


def _is_date(typed: str) -> bool:
    try:
        date.fromisoformat(typed)
    except ValueError:
        return False
    return True


def _is_readable(day: Day) -> bool:
    try:
        return day.spans is not None
    except ValueError:
        return False


def _span(row: Row) -> Span:
    return read_time(row.opens), read_time(row.closes)
