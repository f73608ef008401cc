"""When somebody who is away says to be back."""

import re
from collections.abc import Iterator
from datetime import date

_CUE = re.compile(
    r"\b(?:palaan|palaa|takaisin|tavoitettavissa|paikalla|asti|saakka|tillbaka|åter|anträffbar|till och med|tom|förrän|"
    r"back|return|returning|until|till)\b",
    re.IGNORECASE,
)
_MONTHS = (
    ("tammi", "jan"),
    ("helmi", "feb"),
    ("maalis", "mar"),
    ("huhti", "apr"),
    ("touko", "maj", "may"),
    ("kesä", "jun"),
    ("heinä", "jul"),
    ("elo", "aug"),
    ("syys", "sep"),
    ("loka", "okt", "oct"),
    ("marras", "nov"),
    ("joulu", "dec"),
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}
_MONTH_WORD = rf"(?P<{{}}>{'|'.join(sorted(_MONTH, key=len, reverse=True))})[a-zåäö]{{{{0,9}}}}\.?"
_DATES = re.compile(
    r"\b(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)\b"
    r"|\b(?P<day2>\d{1,2})[./](?P<month2>\d{1,2})(?:[./](?P<year2>20\d\d)?|\b)"
    rf"|\b(?P<day3>\d{{1,2}})(?:\.|st|nd|rd|th)?\s(?:of\s)?{_MONTH_WORD.format('month3')}(?:\s(?P<year3>20\d\d))?"
    rf"|\b{_MONTH_WORD.format('month4')}\s(?P<day4>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s(?P<year4>20\d\d))?\b",
    re.IGNORECASE,
)
_LOOKED_AT = 2000


def until(text: str, *, written: date | None) -> date | None:
    """The last day named in the first line that speaks of coming back; a missing year is the next one it can be."""
    for line in text[:_LOOKED_AT].split("\n"):
        if _CUE.search(line):
            found = [day for day in _dates(line, written) if day is not None]
            if found:
                return found[-1]
    return None


def _dates(line: str, written: date | None) -> Iterator[date | None]:
    for match in _DATES.finditer(line):
        parts = {name.rstrip("234"): value for name, value in match.groupdict().items() if value}
        month = int(parts["month"]) if parts["month"].isdecimal() else _MONTH[parts["month"].lower()]
        yield _day(int(parts["day"]), month, parts.get("year"), written)


def _day(day: int, month: int, year: str | None, written: date | None) -> date | None:
    try:
        if year is not None:
            return date(int(year), month, day)
        if written is None:
            return None
        this_year = date(written.year, month, day)
        return this_year if this_year >= written else this_year.replace(year=written.year + 1)
    except ValueError:
        return None
