"""Finnish public holidays against the almanac."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import translation

from tiski.accounts import holidays


@pytest.mark.parametrize(
    ("year", "easter"),
    [
        (1961, date(1961, 4, 2)),
        (2024, date(2024, 3, 31)),
        (2025, date(2025, 4, 20)),
        (2026, date(2026, 4, 5)),
        (2027, date(2027, 3, 28)),
        (2038, date(2038, 4, 25)),
        (2285, date(2285, 3, 22)),
    ],
)
def test_easter_falls_where_the_almanac_says(year: int, easter: date) -> None:
    assert holidays.easter_sunday(year) == easter


def test_the_holidays_of_2026_are_the_almanacs() -> None:
    assert [(each.code, each.date.isoformat()) for each in holidays.finnish(2026)] == [
        ("new_year", "2026-01-01"),
        ("epiphany", "2026-01-06"),
        ("good_friday", "2026-04-03"),
        ("easter_sunday", "2026-04-05"),
        ("easter_monday", "2026-04-06"),
        ("may_day", "2026-05-01"),
        ("ascension", "2026-05-14"),
        ("whit_sunday", "2026-05-24"),
        ("midsummer_eve", "2026-06-19"),
        ("midsummer_day", "2026-06-20"),
        ("all_saints", "2026-10-31"),
        ("independence", "2026-12-06"),
        ("christmas_eve", "2026-12-24"),
        ("christmas_day", "2026-12-25"),
        ("boxing_day", "2026-12-26"),
    ]


def test_every_holiday_has_a_name() -> None:
    with translation.override("en"):
        assert all(each.name for each in holidays.finnish(2030))
        assert holidays.name_of("midsummer_eve") == "Midsummer Eve"
        assert holidays.name_of("unknown") == ""
