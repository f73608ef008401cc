"""When somebody who is away says to be back."""

from datetime import date

import pytest

from tiski.channels.email.parsing import away

NOVEMBER = date(2026, 11, 16)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("Olen lomalla ja palaan 24.11.2026.", date(2026, 11, 24)),
        ("Hei!\n\nOlen lomalla 16.11.–24.11. asti.", date(2026, 11, 24)),
        ("Palaan töihin 24. marraskuuta.", date(2026, 11, 24)),
        ("Tavoitettavissa taas 7.1.", date(2027, 1, 7)),
        ("Jag är tillbaka den 24 november 2026.", date(2026, 11, 24)),
        ("Jag läser inte min post förrän den 20 november.", date(2026, 11, 20)),
        ("I will be back on 24th of November.", date(2026, 11, 24)),
        ("I am away until November 24, 2026.", date(2026, 11, 24)),
        ("Out of office until 2026-11-24", date(2026, 11, 24)),
        ("Olen lomalla. Soita 040 123 4567.", None),
        ("Tilasin 24.11.2026.", None),
        ("Palaan 32.13.2026.", None),
        ("Palaan pian.", None),
        ("", None),
    ],
)
def test_the_day_of_return_is_found_where_one_is_named(text: str, until: date | None) -> None:
    assert away.until(text, written=NOVEMBER) == until


def test_without_a_date_of_its_own_a_mail_needs_the_year() -> None:
    assert away.until("Palaan 24.11.", written=None) is None
    assert away.until("Palaan 24.11.2026", written=None) == date(2026, 11, 24)
