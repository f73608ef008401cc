"""Times, sizes and names as Finnish, Swedish and English readers write them (ui.md, section 11).

Django's own patterns for English are American and its Swedish long date carries a dot, hence the table. Everything is
shown in the time zone that is active for the reader.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import dateformat, timezone
from django.utils.formats import number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tiski.kernel import clock as kernel_clock

_STEP = 1000
_HOURS_BEFORE_YESTERDAY = 6


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Patterns of one language in Django's date syntax."""

    clock: str
    date: str
    moment: str
    day: str
    day_of_year: str


_PATTERNS = {
    "fi": _Patterns("G.i", "j.n.Y", r"j.n.Y \k\l\o G.i", "l j. E", "l j. E Y"),
    "sv": _Patterns("H:i", "Y-m-d", "Y-m-d H:i", "l j F", "l j F Y"),
    "en": _Patterns("H:i", "d/m/Y", "d/m/Y, H:i", "l j F", "l j F Y"),
}


def clock(at: datetime) -> str:
    """14.05 or 14:05."""
    return _written(at, _patterns().clock)


def date(at: datetime) -> str:
    """22.11.2026, 2026-11-22 or 22/11/2026."""
    return _written(at, _patterns().date)


def moment(at: datetime) -> str:
    """22.11.2026 klo 14.05, 2026-11-22 14:05 or 22/11/2026, 14:05."""
    return _written(at, _patterns().moment)


def day(at: datetime) -> str:
    """Weekday and date in words; the year only when it is not this one."""
    here, today = timezone.localtime(at), timezone.localtime(kernel_clock.now())
    patterns = _patterns()
    return _written(at, patterns.day if here.year == today.year else patterns.day_of_year)


def ago(at: datetime, style: str = "short") -> str:
    """How long ago: 6 min, 2 h, yesterday, then the date; with the style "long" as a sentence has it, 6 min ago."""
    now = kernel_clock.now()
    minutes = int((now - at).total_seconds() // 60)
    long = style == "long"
    if minutes < 1:
        return _("now")
    if minutes < 60:
        return (_("%(count)d min ago") if long else _("%(count)d min")) % {"count": minutes}
    if timezone.localdate(at) == timezone.localdate(now) or minutes < _HOURS_BEFORE_YESTERDAY * 60:
        return (_("%(count)d h ago") if long else _("%(count)d h")) % {"count": minutes // 60}
    if timezone.localdate(at) == timezone.localdate(now) - timedelta(days=1):
        return _("yesterday")
    return date(at)


def iso(at: datetime) -> str:
    """For the `datetime` attribute, in UTC to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_key(at: datetime) -> str:
    """The reader's day as 2026-11-22, for ids."""
    return timezone.localdate(at).isoformat()


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


def _patterns() -> _Patterns:
    return _PATTERNS.get((get_language() or "en")[:2], _PATTERNS["en"])


def _written(at: datetime, pattern: str) -> str:
    return dateformat.format(timezone.localtime(at), pattern)
