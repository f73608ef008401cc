"""Setting opening hours and their exceptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from itertools import pairwise

from tiski.accounts import holidays, whence
from tiski.accounts.errors import BadInterval, ExceptionNotFound, OverlappingIntervals, TooManyIntervals
from tiski.accounts.events import HoursChanged
from tiski.accounts.models import Hours, HoursException, OpenInterval, Shop
from tiski.accounts.opening import Span
from tiski.kernel.action import Actor, action
from tiski.kernel.events import emit
from tiski.kernel.scope import shop_scope

MOST_INTERVALS = 6
MINUTES_A_DAY = 24 * 60

DaySpans = Mapping[int, Sequence[Span]]
"""Weekday (0 is Monday) to its opening times; a weekday left out is closed."""


@action
def set_hours(shop: Shop, week: DaySpans, *, by: Actor) -> None:
    """Replace the week. A closing time at or before the opening time lies on the next day; 00:00-00:00 is all day."""
    if any(weekday not in range(7) for weekday in week):
        raise BadInterval
    for weekday, spans in week.items():
        _check(spans, field=f"day_{weekday}")
    with shop_scope(shop.pk):
        hours = _hours_of(shop)
        hours.intervals.all().delete()
        OpenInterval.objects.bulk_create(
            OpenInterval(shop=shop, hours=hours, weekday=weekday, opens=opens, closes=closes)
            for weekday, spans in week.items()
            for opens, closes in spans
        )
        emit(HoursChanged(shop=shop.pk, ip=whence.address()), by=by)


@action
def add_exception(shop: Shop, day: date, spans: Sequence[Span] = (), *, reason: str = "", by: Actor) -> HoursException:
    """Give a date hours of its own, or none at all; what was said of the date before is replaced."""
    _check(spans, field="spans")
    with shop_scope(shop.pk):
        exception, _created = HoursException.objects.update_or_create(
            hours=_hours_of(shop),
            date=day,
            defaults={"shop": shop, "intervals": _stored(spans), "reason": reason.strip()[:80], "holiday": ""},
        )
        emit(HoursChanged(shop=shop.pk, ip=whence.address()), by=by)
    return exception


@action
def add_holidays(shop: Shop, chosen: Iterable[holidays.Holiday], *, by: Actor) -> int:
    """Close the shop on public holidays; dates that have their own hours already are left alone. How many are new."""
    with shop_scope(shop.pk):
        hours = _hours_of(shop)
        known = set(hours.exceptions.values_list("date", flat=True))
        new = [each for each in chosen if each.date not in known]
        HoursException.objects.bulk_create(
            HoursException(shop=shop, hours=hours, date=each.date, holiday=each.code) for each in new
        )
        if new:
            emit(HoursChanged(shop=shop.pk, ip=whence.address()), by=by)
    return len(new)


@action
def remove_exception(shop: Shop, exception_id: int, *, by: Actor) -> None:
    """Let the ordinary week hold on that date again."""
    with shop_scope(shop.pk):
        removed, _rows = HoursException.objects.filter(pk=exception_id).delete()
        if not removed:
            raise ExceptionNotFound
        emit(HoursChanged(shop=shop.pk, ip=whence.address()), by=by)


def _hours_of(shop: Shop) -> Hours:
    hours, _created = Hours.objects.get_or_create(shop=shop)
    return hours


def _check(spans: Sequence[Span], *, field: str) -> None:
    """Spans that begin on one day may touch but not overlap."""
    if len(spans) > MOST_INTERVALS:
        raise TooManyIntervals(most=MOST_INTERVALS, field=field)
    ordered = sorted(spans)
    for first, second in pairwise(ordered):
        if _end(first) > _minutes(second[0]):
            raise OverlappingIntervals(first=_written(first), second=_written(second), field=field)


def _end(span: Span) -> int:
    opens, closes = _minutes(span[0]), _minutes(span[1])
    return closes if closes > opens else closes + MINUTES_A_DAY


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _written(span: Span) -> str:
    return f"{span[0]:%H:%M}–{span[1]:%H:%M}"


def _stored(spans: Sequence[Span]) -> list[list[str]]:
    return [[f"{opens:%H:%M}", f"{closes:%H:%M}"] for opens, closes in sorted(spans)]
