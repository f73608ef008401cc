"""Every case of the attack and fault lists is the start of a test's name, somewhere in the repository."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tiski.testing.rules.sources import ROOT

_TEST = re.compile(r"^\s*(?:async )?def test_([af]\d\d)_", re.MULTILINE)


def _numbers(text: str) -> Iterator[int]:
    for part in text.split():
        first, _dash, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


ATTACKS = [f"a{n:02}" for n in _numbers("1-20 22-24 26-29 31-36 39-44 46 47 49-56 60 61 82-84")]
FAULTS = [f"f{n:02}" for n in _numbers("1-3 6 8 10-13 16 18-25 28-31 35-39 41 42")]


def _named() -> set[str]:
    """The ids that tests carry, in the folders where pytest looks."""
    files = [path for folder in ("tests", "tiski", "bench") for path in (ROOT / folder).rglob("test_*.py")]
    return {case for path in files for case in _TEST.findall(path.read_text())}


@pytest.mark.parametrize("case", [*ATTACKS, *FAULTS])
def test_every_listed_case_has_a_test(case: str) -> None:
    assert case in _named(), f"no test's name starts with test_{case}_ (security.md 9, reliability.md 6)"


def test_there_are_as_many_cases_as_the_lists_say() -> None:
    assert (len(ATTACKS), len(FAULTS)) == (54, 29)
