"""Times, sizes and names as Finnish, Swedish and English readers write them (ui.md, section 11).

Django's own patterns for English are American and its Swedish long date carries a dot, hence the table. Everything is
shown in the time zone that is active for the reader.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import date as datetime_date
from functools import cached_property

from django.utils import dateformat, timezone
from django.utils.formats import number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tiski.kernel import clock as kernel_clock

_STEP = 1000
_HOURS_BEFORE_YESTERDAY = 6


@dataclass(frozen=True, slots=True)
class _Patterns:
    """How one language writes times, and in Django's syntax days in words."""

    clock: Callable[[datetime], str]
    date: Callable[[datetime], str]
    moment: Callable[[datetime], str]
    day: str
    day_of_year: str


_PATTERNS = {
    "fi": _Patterns(
        lambda at: f"{at.hour}.{at.minute:02}",
        lambda at: f"{at.day}.{at.month}.{at.year}",
        lambda at: f"{at.day}.{at.month}.{at.year} klo {at.hour}.{at.minute:02}",
        "l j. E",
        "l j. E Y",
    ),
    "sv": _Patterns(
        lambda at: at.isoformat()[11:16],
        lambda at: at.isoformat()[:10],
        lambda at: f"{at.isoformat()[:10]} {at.isoformat()[11:16]}",
        "l j F",
        "l j F Y",
    ),
    "en": _Patterns(
        lambda at: at.isoformat()[11:16],
        lambda at: f"{at.day:02}/{at.month:02}/{at.year}",
        lambda at: f"{at.day:02}/{at.month:02}/{at.year}, {at.isoformat()[11:16]}",
        "l j F",
        "l j F Y",
    ),
}


class Times:
    """Times as the reader of this page writes them. Language, zone and the present are asked for once, not per row."""

    def __init__(self) -> None:
        self._patterns = _PATTERNS.get((get_language() or "en")[:2], _PATTERNS["en"])
        self._zone = timezone.get_current_timezone()
        self.now = kernel_clock.now()

    def clock(self, at: datetime) -> str:
        """14.05 or 14:05."""
        return self._patterns.clock(at.astimezone(self._zone))

    def date(self, at: datetime) -> str:
        """22.11.2026, 2026-11-22 or 22/11/2026."""
        return self._patterns.date(at.astimezone(self._zone))

    def moment(self, at: datetime) -> str:
        """22.11.2026 klo 14.05, 2026-11-22 14:05 or 22/11/2026, 14:05."""
        return self._patterns.moment(at.astimezone(self._zone))

    def day(self, at: datetime) -> str:
        """Weekday and date in words; the year only when it is not this one."""
        here = at.astimezone(self._zone)
        is_this_year = here.year == self._today.year
        return dateformat.format(here, self._patterns.day if is_this_year else self._patterns.day_of_year)

    def day_key(self, at: datetime) -> str:
        """The reader's day as 2026-11-22, for ids."""
        return at.astimezone(self._zone).date().isoformat()

    def ago(self, at: datetime, style: str = "short") -> str:
        """How long ago: 6 min, 2 h, yesterday, then the date; with the style "long" as a sentence has it, 6 min ago."""
        minutes = int((self.now - at).total_seconds() // 60)
        if minutes < 1:
            return self._ages["now"]
        if minutes < 60:
            return self._ages[f"minutes {style}"] % {"count": minutes}
        day = at.astimezone(self._zone).date()
        if day == self._today or minutes < _HOURS_BEFORE_YESTERDAY * 60:
            return self._ages[f"hours {style}"] % {"count": minutes // 60}
        return self._ages["yesterday"] if day == self._today - timedelta(days=1) else self.date(at)

    @cached_property
    def _today(self) -> datetime_date:
        return self.now.astimezone(self._zone).date()

    @cached_property
    def _ages(self) -> dict[str, str]:
        return {
            "now": _("now"),
            "yesterday": _("yesterday"),
            "minutes short": _("%(count)d min"),
            "hours short": _("%(count)d h"),
            "minutes long": _("%(count)d min ago"),
            "hours long": _("%(count)d h ago"),
        }


def clock(at: datetime) -> str:
    """One time of day; several are written by one `Times`."""
    return Times().clock(at)


def date(at: datetime) -> str:
    """One date."""
    return Times().date(at)


def moment(at: datetime) -> str:
    """One date with its time."""
    return Times().moment(at)


def day(at: datetime) -> str:
    """One day in words."""
    return Times().day(at)


def day_key(at: datetime) -> str:
    """One day for an id."""
    return Times().day_key(at)


def ago(at: datetime, style: str = "short") -> str:
    """One age."""
    return Times().ago(at, style)


def iso(at: datetime) -> str:
    """For the `datetime` attribute, in UTC to the second."""
    return at.astimezone(UTC).isoformat()[:19] + "Z"


def stamp(at: datetime) -> int:
    """Milliseconds since 1970, the order that lists and threads sort by in the browser."""
    return int(at.timestamp() * 1000)


def size(count: int) -> str:
    """A file's size in the unit that gives two or three digits."""
    if count < _STEP:
        return _("%(count)s bytes") % {"count": count}
    if count < _STEP**2:
        return _("%(count)s kB") % {"count": number_format(round(count / _STEP))}
    if count < _STEP**3:
        return _("%(count)s MB") % {"count": number_format(round(count / _STEP**2, 1), decimal_pos=1)}
    return _("%(count)s GB") % {"count": number_format(round(count / _STEP**3, 1), decimal_pos=1)}


def initials(name: str) -> str:
    """The first letters of the first and the last word, or a dot for a nameless visitor."""
    words = [word for word in name.split() if word[0].isalnum()]
    if not words:
        return "·"
    first, last = words[0][0], words[-1][0] if len(words) > 1 else ""
    return (first + last).upper()
