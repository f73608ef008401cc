"""Times, sizes and names as three languages write them."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone, translation

from tiski.ui import formats

SUNDAY = datetime(2026, 11, 22, 7, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_helsinki() -> None:
    timezone.activate("Europe/Helsinki")


@pytest.mark.parametrize(
    ("language", "clock", "date", "moment", "day"),
    [
        ("fi", "9.05", "22.11.2026", "22.11.2026 klo 9.05", "sunnuntai 22. marraskuuta"),
        ("sv", "09:05", "2026-11-22", "2026-11-22 09:05", "söndag 22 november"),
        ("en", "09:05", "22/11/2026", "22/11/2026, 09:05", "Sunday 22 November"),
    ],
)
def test_times_are_written_as_the_language_has_them(
    language: str, clock: str, date: str, moment: str, day: str
) -> None:
    with translation.override(language), time_machine.travel(SUNDAY, tick=False):
        assert formats.clock(SUNDAY) == clock
        assert formats.date(SUNDAY) == date
        assert formats.moment(SUNDAY) == moment
        assert formats.day(SUNDAY) == day


def test_a_day_of_another_year_says_which() -> None:
    with translation.override("fi"), time_machine.travel(SUNDAY, tick=False):
        assert formats.day(SUNDAY - timedelta(days=366)) == "perjantai 21. marraskuuta 2025"


@pytest.mark.parametrize(
    ("age", "short", "long"),
    [
        (timedelta(seconds=59), "now", "now"),
        (timedelta(minutes=6), "6 min", "6 min ago"),
        (timedelta(minutes=119), "1 h", "1 h ago"),
        (timedelta(hours=9), "9 h", "9 h ago"),
        (timedelta(hours=20), "yesterday", "yesterday"),
        (timedelta(days=2), "20/11/2026", "20/11/2026"),
    ],
)
def test_ages_become_coarser_with_time(age: timedelta, short: str, long: str) -> None:
    noon = SUNDAY + timedelta(hours=3)
    with translation.override("en"), time_machine.travel(noon, tick=False):
        assert formats.ago(noon - age) == short
        assert formats.ago(noon - age, "long") == long


def test_shortly_after_midnight_an_hour_is_still_an_hour() -> None:
    midnight = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
    with translation.override("en"), time_machine.travel(midnight, tick=False):
        assert formats.ago(midnight - timedelta(hours=1)) == "1 h"


@pytest.mark.parametrize(
    ("count", "size"),
    [(0, "0 bytes"), (999, "999 bytes"), (412_000, "412 kB"), (2_460_000, "2.5 MB"), (3_100_000_000, "3.1 GB")],
)
def test_sizes_have_two_or_three_digits(count: int, size: str) -> None:
    with translation.override("en"):
        assert formats.size(count) == size


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Ada Virtanen", "AV"),
        ("Oona K.", "OK"),
        ("mia", "M"),
        ("Anna-Liisa von Essen", "AE"),
        ("", "·"),
        ("(vieras)", "·"),
    ],
)
def test_initials_come_from_the_first_and_the_last_word(name: str, initials: str) -> None:
    assert formats.initials(name) == initials


def test_orders_and_ids_do_not_depend_on_the_language() -> None:
    assert formats.iso(SUNDAY) == "2026-11-22T07:05:00Z"
    assert formats.stamp(SUNDAY) == 1_795_331_100_000
    assert formats.day_key(datetime(2026, 11, 22, 23, 0, tzinfo=UTC)) == "2026-11-23"
