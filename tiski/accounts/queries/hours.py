"""Reading opening hours: the state at a moment, and the week and its exceptions for the settings page."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tiski.accounts import holidays
from tiski.accounts.models import HoursException, OpenInterval, Shop
from tiski.accounts.opening import HORIZON, OpenState, Span, Timetable
from tiski.kernel import clock


@dataclass(frozen=True, slots=True)
class WeekDay:
    """A weekday (0 is Monday) and when the shop is open on it."""

    weekday: int
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """A date with hours of its own; no spans means closed."""

    id: int
    date: date
    spans: tuple[Span, ...]
    reason: str


def open_state(shop: Shop, at: datetime | None = None) -> OpenState:
    """Whether the shop is open at an aware moment (now when left out), and when that changes. Two queries."""
    moment = at or clock.now()
    return timetable(shop, around=moment).state(moment)


def timetable(shop: Shop, *, around: datetime) -> Timetable:
    """The shop's hours, with the exceptions from the day before a moment up to the horizon."""
    zone = ZoneInfo(shop.timezone)
    today = around.astimezone(zone).date()
    intervals = OpenInterval.unscoped.filter(shop_id=shop.id).values_list("weekday", "opens", "closes")
    by_weekday: dict[int, list[Span]] = defaultdict(list)
    for weekday, opens, closes in intervals:
        by_weekday[weekday].append((opens, closes))
    special = HoursException.unscoped.filter(
        shop_id=shop.id, date__range=(today - timedelta(days=1), today + timedelta(days=HORIZON))
    )
    return Timetable(by_weekday, {day: _spans(spans) for day, spans in special.values_list("date", "intervals")}, zone)


def week() -> list[WeekDay]:
    """The week of the shop in scope, Monday first, closed days included."""
    by_weekday: dict[int, list[Span]] = defaultdict(list)
    for interval in OpenInterval.objects.all():
        by_weekday[interval.weekday].append((interval.opens, interval.closes))
    return [WeekDay(weekday, tuple(by_weekday[weekday])) for weekday in range(7)]


def exceptions(*, since: date) -> list[ExceptionRow]:
    """Exceptions of the shop in scope from a date on, by date; a holiday is named in the language of the moment."""
    return [
        ExceptionRow(row.id, row.date, tuple(_spans(row.intervals)), row.reason or holidays.name_of(row.holiday))
        for row in HoursException.objects.filter(date__gte=since)
    ]


def _spans(stored: list[list[str]]) -> list[Span]:
    return [(time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in stored]
