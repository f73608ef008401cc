"""Opening hours against the calendar: exact days, and properties against a minute-by-minute reckoning."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from tiski.accounts.opening import OpenState, Span, Timetable

HELSINKI = ZoneInfo("Europe/Helsinki")
OFFICE: dict[int, list[Span]] = {day: [(time(9), time(17))] for day in range(5)}


def at(text: str) -> datetime:
    """A moment on Helsinki's clocks."""
    return datetime.fromisoformat(text).replace(tzinfo=HELSINKI)


def office(exceptions: dict[date, list[Span]] | None = None) -> Timetable:
    """Monday to Friday 9-17 in Helsinki."""
    return Timetable(OFFICE, exceptions or {}, HELSINKI)


def test_a_shop_in_its_hours_says_when_it_closes() -> None:
    assert office().state(at("2026-11-23T10:00")) == OpenState(True, None, at("2026-11-23T17:00"))


def test_a_shop_opens_at_the_first_second_and_is_closed_at_the_last() -> None:
    assert office().state(at("2026-11-23T09:00")).is_open
    assert not office().state(at("2026-11-23T17:00")).is_open


def test_after_friday_the_next_opening_is_monday() -> None:
    assert office().state(at("2026-11-20T17:30")) == OpenState(False, at("2026-11-23T09:00"), None)


def test_a_lunch_break_closes_and_opens_again() -> None:
    week = {0: [(time(9), time(12)), (time(13), time(17))]}
    assert Timetable(week, {}, HELSINKI).state(at("2026-11-23T12:30")) == OpenState(False, at("2026-11-23T13:00"), None)


def test_an_evening_past_midnight_belongs_to_the_day_it_began() -> None:
    friday_night = Timetable({4: [(time(20), time(2))]}, {}, HELSINKI)
    assert friday_night.state(at("2026-11-28T01:59")) == OpenState(True, None, at("2026-11-28T02:00"))
    assert not friday_night.state(at("2026-11-27T01:59")).is_open


def test_days_that_touch_at_midnight_are_one_opening() -> None:
    week = {5: [(time(10), time(0))], 6: [(time(0), time(4))]}
    assert Timetable(week, {}, HELSINKI).state(at("2026-11-28T22:00")).closes_at == at("2026-11-29T04:00")


def test_a_shop_that_never_closes_names_no_closing_time() -> None:
    always = Timetable({day: [(time(0), time(0))] for day in range(7)}, {}, HELSINKI)
    assert always.state(at("2026-11-23T10:00")) == OpenState(True, None, None)


def test_a_shop_without_hours_names_no_opening_time() -> None:
    assert Timetable({}, {}, HELSINKI).state(at("2026-11-23T10:00")) == OpenState(False, None, None)


def test_a_holiday_closes_and_the_next_day_opens() -> None:
    epiphany: dict[date, list[Span]] = {date(2027, 1, 6): []}
    state = office(epiphany).state(at("2027-01-06T10:00"))
    assert state == OpenState(False, at("2027-01-07T09:00"), None)


def test_an_exception_may_open_a_day_that_is_otherwise_closed() -> None:
    sale = {date(2026, 11, 29): [(time(12), time(16))]}
    assert office(sale).state(at("2026-11-29T12:00")).closes_at == at("2026-11-29T16:00")


def test_hours_follow_the_wall_clock_over_the_change_to_winter_time() -> None:
    sunday = Timetable({6: [(time(9), time(17))]}, {}, HELSINKI)
    state = sunday.state(at("2026-10-25T08:00"))
    assert state.opens_at == datetime(2026, 10, 25, 7, 0, tzinfo=UTC)


def test_a_closing_time_in_the_repeated_hour_is_the_later_one() -> None:
    saturday_night = Timetable({5: [(time(22), time(3, 30))]}, {}, HELSINKI)
    state = saturday_night.state(at("2026-10-24T23:00"))
    assert state.closes_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_an_interval_inside_the_skipped_hour_does_not_exist() -> None:
    skipped = Timetable({6: [(time(3), time(4))]}, {}, HELSINKI)
    assert skipped.state(at("2026-03-29T02:59")).opens_at == at("2026-04-05T03:00")


HALF_HOURS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
SPANS = st.lists(st.tuples(HALF_HOURS, HALF_HOURS), max_size=3)
ZONES = st.sampled_from([HELSINKI, ZoneInfo("America/St_Johns"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")])
WEEKS = st.dictionaries(st.integers(0, 6), SPANS, max_size=7)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


def periods(timetable: Timetable, around: datetime) -> list[tuple[datetime, datetime]]:
    """Every span of the days around a moment, reckoned one by one: the definition, not the algorithm."""
    found = []
    today = around.astimezone(timetable.zone).date()
    for offset in range(-2, 12):
        day = today + timedelta(days=offset)
        for opens, closes in timetable.spans_of(day):
            last = day if closes > opens else day + timedelta(days=1)
            first_moment = datetime.combine(day, opens, tzinfo=timetable.zone).astimezone(UTC)
            candidates = {
                datetime.combine(last, closes, tzinfo=timetable.zone).replace(fold=fold).astimezone(UTC)
                for fold in (0, 1)
            }
            roundtrip = {each for each in candidates if each.astimezone(timetable.zone).time() == closes}
            last_moment = (
                max(roundtrip) if roundtrip else datetime.combine(last, closes, tzinfo=timetable.zone).astimezone(UTC)
            )
            if first_moment < last_moment:
                found.append((first_moment, last_moment))
    return found


@settings(max_examples=150, deadline=None)
@given(WEEKS, ZONES, MOMENTS)
def test_open_means_that_some_interval_holds_the_moment(
    week: dict[int, list[Span]], zone: ZoneInfo, moment: datetime
) -> None:
    timetable = Timetable(week, {}, zone)
    known = periods(timetable, moment)
    assert timetable.state(moment).is_open == any(opens <= moment < closes for opens, closes in known)


@settings(max_examples=150, deadline=None)
@given(WEEKS, ZONES, MOMENTS)
def test_what_is_said_of_the_next_change_comes_true(
    week: dict[int, list[Span]], zone: ZoneInfo, moment: datetime
) -> None:
    timetable = Timetable(week, {}, zone)
    state = timetable.state(moment)
    change = state.closes_at or state.opens_at
    if change is None:
        return
    second = timedelta(seconds=1)
    assert change > moment
    assert timetable.state(change).is_open is not state.is_open
    assert timetable.state(change - second).is_open is state.is_open


@settings(max_examples=60, deadline=None)
@given(WEEKS, MOMENTS)
def test_between_now_and_the_next_change_nothing_changes(week: dict[int, list[Span]], moment: datetime) -> None:
    timetable = Timetable(week, {}, HELSINKI)
    state = timetable.state(moment)
    change = state.closes_at or state.opens_at
    if change is None or change - moment > timedelta(days=8):
        return
    steps = [moment + timedelta(minutes=15 * step) for step in range(1 + int((change - moment).total_seconds() // 900))]
    assert all(timetable.state(step).is_open is state.is_open for step in steps if step < change)
    assert all(earlier < later for earlier, later in pairwise(steps))


@settings(max_examples=60, deadline=None)
@given(WEEKS, MOMENTS)
def test_a_closed_date_begins_no_opening(week: dict[int, list[Span]], moment: datetime) -> None:
    today = moment.astimezone(HELSINKI).date()
    closed: dict[date, list[Span]] = {today + timedelta(days=offset): [] for offset in range(-1, 410)}
    assert Timetable(week, closed, HELSINKI).state(moment) == OpenState(False, None, None)
