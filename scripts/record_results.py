"""What the reports of the test runs say about each case."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
AGAIN = "-again"
_NUMBERS = re.compile(r"(?:^|::)test_((?:[af]\d\d_)+)")

Run = tuple[str, str]
"""A database and a form, `("sqlite", "short")`."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one test ended, and the figures it gave."""

    test: str
    outcome: str
    seconds: float
    figures: str
    is_second_run: bool = False

    @property
    def sentence(self) -> str:
        """The test's name as it reads, without the numbers of cases."""
        name = self.test.partition("[")[0].removeprefix("test_")
        return re.sub(r"^(?:[af]\d\d_)+", "", name).replace("_", " ")


def reports(folder: Path, databases: tuple[str, ...], forms: tuple[str, ...]) -> dict[Run, list[Result] | None]:
    """The results of every run; None for one that was not made, or did not come to its end."""
    return {(database, form): _all(folder.glob(f"{database}-{form}*.xml")) for form in forms for database in databases}


def cases_of(test: str) -> list[str]:
    """The cases a test is about, from its name: `test_f06_a_full_disk` is about F06."""
    found = _NUMBERS.search(test)
    return [number.upper() for number in found[1].strip("_").split("_")] if found else []


def outcome(results: list[Result]) -> str:
    """How a case ended: failed if any of its tests did, then skipped, then passed; empty when it has no test here."""
    ended = {result.outcome for result in results}
    return next((each for each in (FAILED, SKIPPED, PASSED) if each in ended), "")


def _all(files: Iterable[Path]) -> list[Result] | None:
    """What the reports of a form hold together; a second run of a test stands in the place of the first."""
    first, second = list[Result](), list[Result]()
    names = sorted(files)
    for file in names:
        read = _read(file)
        if read is None:
            return None
        if file.stem.endswith(AGAIN):
            second += [replace(one, is_second_run=True) for one in read]
        else:
            first += read
    repeated = {one.test for one in second}
    return [one for one in first if one.test not in repeated] + second if names else None


def _read(file: Path) -> list[Result] | None:
    try:
        root = ElementTree.parse(file).getroot()
    except ElementTree.ParseError:
        return None
    return [_result(case) for case in root.iter("testcase")]


def _result(case: ElementTree.Element) -> Result:
    ended = PASSED
    if case.find("failure") is not None or case.find("error") is not None:
        ended = FAILED
    elif case.find("skipped") is not None:
        ended = SKIPPED
    figures = [json.loads(one.get("value", "{}")) for one in case.iter("property") if one.get("name") == "figures"]
    told = ", ".join(f"{name.replace('_', ' ')} {_shown(value)}" for each in figures for name, value in each.items())
    return Result(case.get("name", ""), ended, float(case.get("time", "0")), told)


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace("|", "\\|")
