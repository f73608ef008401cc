"""Pages that must exist, stay short, and agree with the code."""

from __future__ import annotations

import re
from pathlib import Path

from scripts import map as package_map
from scripts import reference
from tiski.testing.rules import papers, sizes
from tiski.testing.rules.sources import ROOT, Source, sources

DECISIONS = ROOT / "docs" / "decisions"


def test_every_package_has_a_page_that_fits_a_screen() -> None:
    pages = [package / "README.md" for package in papers.packages()]
    assert [str(page.relative_to(ROOT)) for page in pages if not page.exists()] == []
    long = [str(page.relative_to(ROOT)) for page in pages if page.read_text().count("\n") > sizes.LONGEST_README]
    assert long == []


def test_decisions_are_numbered_and_complete() -> None:
    records = sorted(DECISIONS.glob("*.md"))
    assert len(records) >= 10
    assert papers.misnumbered([record.name for record in records]) == []
    assert {record.name: papers.missing_parts(record.read_text()) for record in records} == {
        record.name: [] for record in records
    }


def test_a_gap_and_a_missing_part_of_a_decision_are_found() -> None:
    assert papers.misnumbered(["0001-tea.md", "0003-cups.md"]) == [
        "0003-cups.md: number 0002 comes here, as NNNN-title-in-words.md"
    ]
    assert papers.missing_parts("## Context\n\n## Decision\n") == ["## Consequence"]


def test_every_setting_command_event_refusal_and_plug_is_documented() -> None:
    tables = reference.sections()
    assert reference.undocumented(tables) == []
    assert reference.FILE.read_text() == reference.page(tables), "docs/reference.md is out of date. Run: make reference"


def test_a_row_without_its_meaning_is_found() -> None:
    table = reference.Section("Events", ("event", "meaning"), [("`tea.poured`", ""), ("`tea.drunk`", "Tea was drunk")])
    assert reference.undocumented([table]) == ["Events: `tea.poured`"]


def test_the_map_shows_the_packages_as_they_are() -> None:
    assert package_map.FILE.read_text() == package_map.page(), "docs/map.md is out of date. Run: make map"


def test_what_others_made_is_unchanged_and_brings_its_licence() -> None:
    assert papers.changed_files_of_others(ROOT / "tiski/ui/static/ui/vendor/vendor.toml", ROOT / "tiski/ui") == []


def test_a_changed_and_an_absent_file_of_others_are_found(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "kettle.js").write_text("boil()")
    listing = tmp_path / "vendor.toml"
    entry = '[[file]]\npath = "{}"\nsha384 = "old"\nlicence_file = "LICENSES/kettle.txt"\n'
    listing.write_text(entry.format("kettle.js") + entry.format("cup.js"))
    assert papers.changed_files_of_others(listing, tmp_path) == [
        "kettle.js: differs from its hash; vendor it anew instead of editing it",
        "kettle.js: its licence LICENSES/kettle.txt is missing",
        "cup.js: recorded in vendor.toml, not there",
        "cup.js: its licence LICENSES/kettle.txt is missing",
    ]


def test_no_test_is_skipped_and_nothing_is_left_unfinished() -> None:
    code = [source for source in sources(".py", ".js", ".html", ".css") if not source.within("*/rules/papers.py")]
    own = Path(__file__).relative_to(ROOT).as_posix()
    found = [
        finding for source in code if source.path != own for finding in papers.skips(source) + papers.unfinished(source)
    ]
    assert "\n".join(found) == ""


def test_a_skip_and_a_mark_are_found() -> None:
    for text in ("@pytest.mark.skipif(True)", "pytest.skip('later')", "    assert True", "pytest.importorskip('tea')"):
        assert len(papers.skips(Source("tiski/tests/test_tea.py", text))) == 1
    assert len(papers.unfinished(Source("tiski/tea.py", "# TODO: boil"))) == 1
    assert papers.skips(Source("tiski/tests/test_tea.py", "assert cup.is_full is True")) == []


def test_the_readme_begins_with_the_two_commands() -> None:
    blocks = re.findall(r"```\w*\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    commands = [line.split("#")[0].strip() for line in blocks[0].splitlines()]
    assert commands == ["make up", "make test"]


def test_links_in_the_pages_lead_somewhere() -> None:
    pages = [ROOT / source.path for source in sources(".md") if not source.within("*/tests/*")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text())
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists()
    ]
    assert broken == []
