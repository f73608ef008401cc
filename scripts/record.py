"""`make record`: runs the suites on both databases, reads what they and the benchmarks found, writes docs/record.md.

python -m scripts.record               # the short forms, then the soak (about an hour and a half on two cores)
python -m scripts.record --short       # the short forms alone; what an earlier run left of the soak is kept
python -m scripts.record --soak        # the soak alone, beside the short forms of an earlier run
python -m scripts.record --again FORM  # runs what failed of a form once more; the page says so
python -m scripts.record --from DIR    # only writes the page, from the reports of earlier runs
python -m scripts.record --note FORM   # only makes room and notes the commit, for `make test`

DIR (.record, unless told) holds pytest's JUnit reports `sqlite-short.xml`, `postgresql-soak.xml` and so on, or several
of a form, `sqlite-soak-2.xml`; and `run.json` with the commit of each form.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from scripts import record_machine as machine
from scripts import record_page as pages
from scripts import record_results as results

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "record.md"
FIGURES = ROOT / "bench" / "results.json"
FOLDER = ROOT / ".record"
SUITES = ("tests/faults", "tests/attacks", "tests/cluster", "tests/operations")
ELSEWHERE = ("tests/architecture", "tests/journeys", "tiski")
DATABASES = ("sqlite", "postgresql")
FORMS = {"short": "not soak", "soak": "soak"}
PARALLEL = {"not soak": ["--dist", "loadgroup"], "soak": ["--dist", "load", "--timeout", "7200"]}


def main() -> int:
    """Measure what was asked for and write the page; 1 when something of it is unmet or was not run."""
    parser = argparse.ArgumentParser(prog="python -m scripts.record", description=__doc__)
    parser.add_argument("--from", dest="folder", type=Path, help="reports that are there already; nothing is run")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--short", action="store_const", dest="only", const="short", help="leave the soak out")
    only.add_argument("--soak", action="store_const", dest="only", const="soak", help="leave the short forms out")
    only.add_argument("--note", choices=FORMS, help="only note the machine and the commit for this form")
    only.add_argument("--again", choices=FORMS, help="run what failed of this form once more")
    arguments = parser.parse_args()
    if arguments.note:
        note(FOLDER, arguments.note)
        return 0
    folder = arguments.folder or FOLDER
    if arguments.again:
        run_again(folder, arguments.again)
    elif arguments.folder is None:
        run(folder, [arguments.only] if arguments.only else list(FORMS))
    text = page(folder)
    PAGE.write_text(text)
    return 1 if "## Unmet" in text else 0


def page(folder: Path) -> str:
    """The page, from the reports of a folder and the benchmarks' figures as they are now."""
    reports = results.reports(folder, DATABASES, tuple(FORMS))
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    return pages.page(reports, figures, _about(folder))


def run(folder: Path, forms: list[str]) -> None:
    """Run the suites, each on each database; what fails stands in the reports and stops nothing."""
    for form in forms:
        note(folder, form)
        for database in DATABASES:
            _run(folder / f"{database}-{form}.xml", database, FORMS[form], _wanted(database, FORMS[form]))


def run_again(folder: Path, form: str) -> None:
    """Run what failed of a form once more; its reports stand beside the first ones."""
    failed = {
        run: {one.test for one in found or () if one.outcome == results.FAILED}
        for run, found in results.reports(folder, DATABASES, (form,)).items()
    }
    _write(folder, _about(folder) | {f"commit, {form}, again": machine.commit(ROOT)})
    for (database, _form), names in failed.items():
        if names:
            chosen = [test for test in _collected(database, FORMS[form]) if test.rpartition("::")[2] in names]
            _run(folder / f"{database}-{form}{results.AGAIN}.xml", database, FORMS[form], chosen)


def note(folder: Path, form: str) -> None:
    """Write down on what machine and commit a form is about to run, and take away what its last run left."""
    folder.mkdir(exist_ok=True)
    for left in folder.glob(f"*-{form}*.xml"):
        left.unlink()
    kept = {name: value for name, value in _about(folder).items() if name != f"commit, {form}, again"}
    _write(folder, kept | machine.about() | {f"commit, {form}": machine.commit(ROOT)})


def _write(folder: Path, about: dict[str, str]) -> None:
    (folder / "run.json").write_text(json.dumps(about, indent=2) + "\n")


def _about(folder: Path) -> dict[str, str]:
    """The machine, and the commit that each form ran on."""
    noted = folder / "run.json"
    return dict(json.loads(noted.read_text())) if noted.exists() else {}


def _wanted(database: str, marked: str) -> list[str]:
    """The suites whole, and of the other tests those that carry the number of a case."""
    return [test for test in _collected(database, marked) if test.startswith(SUITES) or results.cases_of(test)]


def _run(report: Path, database: str, marked: str, tests: list[str]) -> None:
    # The list goes by a file: it is longer than a command line may be.
    chosen = report.with_suffix(".tests")
    chosen.write_text("\n".join(tests))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", marked, f"--junitxml={report}"]
    command += ["-n", "2", *PARALLEL[marked]]
    subprocess.run([*command, f"@{chosen}"], cwd=ROOT, env=_environment(database), check=False)


def _collected(database: str, marked: str) -> list[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q", "-m", marked]
    places = [place for place in (*SUITES, *ELSEWHERE) if (ROOT / place).exists()]
    done = subprocess.run(
        [*command, *places], cwd=ROOT, env=_environment(database), stdout=subprocess.PIPE, text=True, check=False
    )
    return [line for line in done.stdout.splitlines() if "::" in line and " " not in line.partition("::")[0]]


def _environment(database: str) -> dict[str, str]:
    return {**os.environ, "TISKI_TEST_DATABASE": database}


if __name__ == "__main__":
    sys.exit(main())
