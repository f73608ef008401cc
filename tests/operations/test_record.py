"""The record says what the reports say, and puts first what nobody likes to read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import record, record_machine, record_page, record_results

SQLITE_SHORT = """<testsuites><testsuite>
<testcase name="test_f06_a_full_disk_refuses" time="4"><properties>
<property name="figures" value="{&quot;lost&quot;: 0, &quot;seconds_to_mend&quot;: 1.234}"/></properties></testcase>
<testcase classname="tests" name="test_f06_f08_files_are_refused_whole[png]" time="1.0"/>
<testcase name="test_a31_a_stranger_sees_nothing" time="1.0"><failure>seen</failure></testcase>
<testcase classname="tests.attacks" name="test_a42_a_foreign_host_is_refused" time="1.0"><skipped/></testcase>
<testcase classname="tests.operations" name="test_inodes_that_run_out" time="1.0"><error>no disk</error></testcase>
</testsuite></testsuites>"""
FIGURES = {
    "B1": {"figure": 4584.7, "unit": "messages/s", "budget": ">= 10,000", "ok": False, "conditions": "SQLite FULL"},
    "B1 postgresql": {"figure": 12000, "unit": "messages/s", "budget": ">= 10,000", "ok": True, "conditions": "local"},
    "B10": {"figure": 127.5, "unit": "MB PSS", "budget": "<= 250", "ok": True, "conditions": "demo shop"},
}


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page of a run of which only the short form on SQLite was made."""
    (tmp_path / "sqlite-short.xml").write_text(SQLITE_SHORT)
    (tmp_path / "postgresql-short.xml").write_text("<testsuites><testsuite>")
    (tmp_path / "run.json").write_text(json.dumps({"commit, short": "abc123", "date": "2026-11-22"}))
    monkeypatch.setattr(record, "FIGURES", tmp_path / "figures.json")
    (tmp_path / "figures.json").write_text(json.dumps(FIGURES))
    return record.page(tmp_path)


def test_what_failed_was_skipped_was_not_run_or_is_over_its_budget_stands_at_the_top(page: str) -> None:
    top = page.partition("## Machine")[0]
    assert top.startswith(record_page.HEAD)
    for line in (
        "- PostgreSQL, short: not run",
        "- SQLite, soak: not run",
        "- A31: failed (SQLite, short): `test_a31_a_stranger_sees_nothing`",
        "- A42: skipped (SQLite, short): `test_a42_a_foreign_host_is_refused`",
        "- failed (SQLite, short): `test_inodes_that_run_out`",
        "- F01: not run",
        "- The choke points were not broken on purpose",
        "- B1: 4,585 messages/s, the budget is >= 10,000",
        "- B2: not measured",
        "- L4: not measured",
    ):
        assert f"{line}\n" in top
    assert [line for line in top.splitlines() if line.startswith(("- F06", "- F08", "- B10"))] == []


def test_every_case_and_every_budget_has_its_line(page: str) -> None:
    lines = page.splitlines()
    for name in (*record_page.FAULTS, *record_page.ATTACKS, *record_page.BUDGETS, *record_page.LOADS):
        assert any(line.startswith(f"| {name} |") for line in lines), name
    assert (
        "| F06 | a full disk refuses; and 1 more | passed (2) | not run | not run | not run "
        "| SQLite short: lost 0, seconds to mend 1.23 |" in lines
    )
    assert "| F08 | files are refused whole | passed (1) | not run | not run | not run |  |" in lines
    assert "| F01 | **no test** | – | not run | not run | not run |  |" in lines
    assert "| B1 postgresql | 12,000 messages/s | >= 10,000 | within | local |" in lines
    assert "| commit, short | abc123 |" in lines


def test_several_reports_of_a_form_are_read_together_and_a_broken_one_spoils_them(tmp_path: Path) -> None:
    (tmp_path / "sqlite-soak.xml").write_text('<testsuite><testcase name="test_f01_kills"/></testsuite>')
    (tmp_path / "sqlite-soak-2.xml").write_text('<testsuite><testcase name="test_f41_orders"/></testsuite>')
    run = ("sqlite", "soak")
    read = record_results.reports(tmp_path, ("sqlite",), ("soak",))[run]
    assert read is not None
    assert sorted(result.test for result in read) == ["test_f01_kills", "test_f41_orders"]
    (tmp_path / "sqlite-soak-3.xml").write_text("<testsuite>")
    assert record_results.reports(tmp_path, ("sqlite",), ("soak",))[run] is None


def test_a_second_run_stands_in_the_place_of_the_first_and_the_page_says_so(tmp_path: Path) -> None:
    (tmp_path / "sqlite-soak.xml").write_text(
        '<testsuite><testcase name="test_a54_floods"><failure/></testcase><testcase name="test_f01_kills"/></testsuite>'
    )
    (tmp_path / "sqlite-soak-again.xml").write_text('<testsuite><testcase name="test_a54_floods"/></testsuite>')
    read = record_results.reports(tmp_path, ("sqlite",), ("soak",))
    found = read["sqlite", "soak"]
    assert found is not None
    assert sorted((one.test, one.outcome) for one in found) == [
        ("test_a54_floods", "passed"),
        ("test_f01_kills", "passed"),
    ]
    text = record_page.page(read, {}, {"commit, soak": "abc123", "commit, soak, again": "def456"})
    top = text.partition("## Machine")[0]
    assert "- failed, then passed when run again (SQLite, soak): `test_a54_floods`\n" in top
    assert "ran on different commits" in top
    assert "test_f01_kills" not in top


def test_what_the_last_run_of_a_form_left_does_not_count_for_the_next(tmp_path: Path) -> None:
    for name in ("sqlite-soak.xml", "sqlite-soak-2.xml", "sqlite-soak-again.xml", "sqlite-short.xml"):
        (tmp_path / name).write_text("<testsuite/>")
    (tmp_path / "run.json").write_text(json.dumps({"commit, soak, again": "def456"}))
    record.note(tmp_path, "soak")
    assert [file.name for file in tmp_path.glob("*.xml")] == ["sqlite-short.xml"]
    about = json.loads((tmp_path / "run.json").read_text())
    assert "commit, soak" in about
    assert "commit, soak, again" not in about


def test_a_run_without_anything_unmet_says_so() -> None:
    passed = [
        record_results.Result(f"test_{case.lower()}_holds", record_results.PASSED, 1.0, "")
        for case in (*record_page.FAULTS, *record_page.ATTACKS)
    ]
    passed.append(record_results.Result(record_page.MUTATIONS, record_results.PASSED, 1.0, "edits 35, noticed 35"))
    figures = {
        name: {"figure": 1, "unit": "s", "budget": "<= 2", "ok": True, "conditions": ""}
        for name in (*record_page.BUDGETS, *record_page.LOADS)
    }
    text = record_page.page({("sqlite", "short"): passed}, figures, {"commit, short": "abc123"})
    assert "Everything below was run, and everything passed or is within its budget.\n" in text
    assert "Unmet" not in text
    assert "- SQLite short: passed; edits 35, noticed 35\n" in text


@pytest.mark.parametrize(
    ("about", "complaint"),
    [
        ({}, "on no commit that can be named"),
        ({"commit, short": "abc123 with uncommitted changes"}, "on no commit that can be named"),
        ({"commit, short": "abc123", "commit, soak": "def456"}, "ran on different commits"),
    ],
)
def test_it_is_said_when_the_commit_is_not_one_that_can_be_named(about: dict[str, str], complaint: str) -> None:
    assert complaint in record_page.page({("sqlite", "short"): []}, {}, about).partition("## Machine")[0]


def test_the_numbers_of_cases_are_read_from_names() -> None:
    assert record_results.cases_of("tests/faults/test_x.py::test_f06_f08_no_room[a]") == ["F06", "F08"]
    assert record_results.cases_of("test_a31_a_stranger") == ["A31"]
    assert record_results.cases_of("tests/faults/test_f06_disks.py::test_fetching_goes_on") == []


def test_the_machine_is_told() -> None:
    about = record_machine.about()
    assert record_machine.commit(record.ROOT)
    assert set(about) == {"date", "processor", "memory", "system", "Python", "SQLite", "PostgreSQL"}
    assert all(about.values())
