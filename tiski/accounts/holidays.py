"""Public holidays of Finland as ready exceptions to the opening hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

FRIDAY, SATURDAY = 4, 5

NAMES: dict[str, _StrPromise] = {
    "new_year": _("New Year's Day"),
    "epiphany": _("Epiphany"),
    "good_friday": _("Good Friday"),
    "easter_sunday": _("Easter Sunday"),
    "easter_monday": _("Easter Monday"),
    "may_day": _("May Day"),
    "ascension": _("Ascension Day"),
    "whit_sunday": _("Whit Sunday"),
    "midsummer_eve": _("Midsummer Eve"),
    "midsummer_day": _("Midsummer Day"),
    "all_saints": _("All Saints' Day"),
    "independence": _("Independence Day"),
    "christmas_eve": _("Christmas Eve"),
    "christmas_day": _("Christmas Day"),
    "boxing_day": _("Boxing Day"),
}


@dataclass(frozen=True, slots=True)
class Holiday:
    """A public holiday: its stable code and its date."""

    code: str
    date: date

    @property
    def name(self) -> str:
        """Its name in the language of the moment."""
        return name_of(self.code)


def name_of(code: str) -> str:
    """A holiday's name in the language of the moment; empty for an unknown code."""
    return str(NAMES.get(code, ""))


def finnish(year: int) -> list[Holiday]:
    """The year's public holidays, with Midsummer Eve and Christmas Eve, when shops are closed by custom; by date.

    Church holidays follow Easter (Act on the Evangelical Lutheran Church, 652/2023); Midsummer Day is the Saturday of
    20-26 June and All Saints' Day the Saturday of 31 October-6 November.
    """
    easter = easter_sunday(year)
    midsummer_eve = _first(FRIDAY, date(year, 6, 19))
    dates = {
        "new_year": date(year, 1, 1),
        "epiphany": date(year, 1, 6),
        "good_friday": easter - timedelta(days=2),
        "easter_sunday": easter,
        "easter_monday": easter + timedelta(days=1),
        "may_day": date(year, 5, 1),
        "ascension": easter + timedelta(days=39),
        "whit_sunday": easter + timedelta(days=49),
        "midsummer_eve": midsummer_eve,
        "midsummer_day": midsummer_eve + timedelta(days=1),
        "all_saints": _first(SATURDAY, date(year, 10, 31)),
        "independence": date(year, 12, 6),
        "christmas_eve": date(year, 12, 24),
        "christmas_day": date(year, 12, 25),
        "boxing_day": date(year, 12, 26),
    }
    return sorted((Holiday(code, day) for code, day in dates.items()), key=lambda holiday: holiday.date)


def easter_sunday(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Astronomical Algorithms, 2nd ed., chapter 8)."""
    golden = year % 19
    century, year_of_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    moon_drift = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - moon_drift + 15) % 30
    leaps, leap_rest = divmod(year_of_century, 4)
    weekday = (32 + 2 * century_rest + 2 * leaps - epact - leap_rest) % 7
    correction = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * correction + 114, 31)
    return date(year, month, day + 1)


def _first(weekday: int, day: date) -> date:
    return day + timedelta(days=(weekday - day.weekday()) % 7)
