"""The published record as a page: what is unmet first, then every case and every budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scripts.record_results import FAILED, PASSED, SKIPPED, Result, Run, cases_of, outcome


def _numbered(letter: str, ranges: str) -> list[str]:
    """`("F", "1-3 6")` is F01, F02, F03, F06."""
    spans = [span.partition("-") for span in ranges.split()]
    return [f"{letter}{number:02}" for first, _, last in spans for number in range(int(first), int(last or first) + 1)]


FAULTS = _numbered("F", "1-3 6 8 10-13 16 18-25 28-31 35-39 41-42")
ATTACKS = _numbered("A", "1-20 22-24 26-29 31-36 39-44 46-47 49-56 60-61 82-84")
BUDGETS = ["B1", "B2", "B3", "B4", "B5", "B6", "B8", "B9", "B10", "B11", "B12"]
LOADS = ["L1", "L2", "L3", "L4"]
MUTATIONS = "test_every_edit_is_noticed"
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
HEAD = """# Record

Written by `make record` from the reports of the tests and the figures of the benchmarks; nothing here is typed by hand.
F are faults, A attacks, B budgets, L loads. A case is passed when every test that carries its number passed.
"""

Reports = Mapping[Run, "list[Result] | None"]
Figures = Mapping[str, Mapping[str, Any]]


def page(reports: Reports, figures: Figures, about: Mapping[str, str]) -> str:
    """The whole page."""
    parts = [HEAD, _unmet(reports, figures, about), _where(about)]
    for title, cases in (("Faults", FAULTS), ("Attacks", ATTACKS)):
        parts.append(f"## {title}\n\n" + _cases(cases, reports))
    parts.append("## Choke points broken on purpose\n\n" + _mutations(reports))
    for title, names in (("Budgets", BUDGETS), ("Loads", LOADS)):
        parts.append(f"## {title}\n\n" + _figures(names, figures))
    return "\n".join(parts)


def _unmet(reports: Reports, figures: Figures, about: Mapping[str, str]) -> str:
    lines = [
        *_runs_not_made(reports),
        *_odd_commit(about),
        *_unmet_cases(reports),
        *(["The choke points were not broken on purpose"] if not _tried(reports) else []),
        *_other_failures(reports),
        *_second_runs(reports),
        *_unmet_figures(figures),
    ]
    if not lines:
        return "Everything below was run, and everything passed or is within its budget.\n"
    return "\n".join([f"## Unmet, not run or skipped: {len(lines)}", "", *(f"- {line}" for line in lines), ""])


def _runs_not_made(reports: Reports) -> Iterable[str]:
    for (database, form), results in reports.items():
        if results is None:
            yield f"{_run(database, form)}: not run"
        elif not results:
            yield f"{_run(database, form)}: ran without a test"


def _odd_commit(about: Mapping[str, str]) -> Iterable[str]:
    commits = [value for name, value in about.items() if name.startswith("commit")]
    for commit in commits or ["unknown"]:
        if commit.startswith("unknown") or "uncommitted" in commit:
            yield f"The tests ran on no commit that can be named ({commit})"
    if len(set(commits)) > 1:
        yield "The tests ran on different commits"


def _unmet_cases(reports: Reports) -> Iterable[str]:
    for case in (*FAULTS, *ATTACKS):
        ended = {run: outcome(_of(case, results)) for run, results in reports.items()}
        if not any(ended.values()):
            yield f"{case}: not run"
        for (database, form), how in ended.items():
            if how in {FAILED, SKIPPED}:
                names = sorted({one.test for one in _of(case, reports[database, form]) if one.outcome == how})
                yield f"{case}: {how} ({_run(database, form)}): {', '.join(f'`{name}`' for name in names)}"


def _other_failures(reports: Reports) -> Iterable[str]:
    for (database, form), results in reports.items():
        for result in results or ():
            if not set(cases_of(result.test)) & {*FAULTS, *ATTACKS} and result.outcome != PASSED:
                yield f"{result.outcome} ({_run(database, form)}): `{result.test}`"


def _second_runs(reports: Reports) -> Iterable[str]:
    for (database, form), results in reports.items():
        for result in results or ():
            if result.is_second_run and result.outcome == PASSED:
                yield f"failed, then passed when run again ({_run(database, form)}): `{result.test}`"


def _unmet_figures(figures: Figures) -> Iterable[str]:
    for name in (*BUDGETS, *LOADS):
        found = _named(name, figures)
        if not found:
            yield f"{name}: not measured"
        for measured, figure in found.items():
            if not figure["ok"]:
                yield f"{measured}: {_number(figure['figure'])} {figure['unit']}, the budget is {figure['budget']}"


def _where(about: Mapping[str, str]) -> str:
    rows = [f"| {name} | {value} |" for name, value in about.items()] or ["| unknown | the run left no note |"]
    return "\n".join(["## Machine", "", "| | |", "|---|---|", *rows, ""])


def _cases(cases: Iterable[str], reports: Reports) -> str:
    runs = list(reports)
    lines = [
        _line("case", "what was shown", *(_run(*run) for run in runs), "figures"),
        _line(*["---"] * (len(runs) + 3)),
    ]
    for case in cases:
        by_run = {run: _of(case, results) for run, results in reports.items()}
        ended = [_cell(by_run[run], reports[run]) for run in runs]
        lines.append(_line(case, _shown(by_run.values()), *ended, _told(by_run)))
    return "\n".join([*lines, ""])


def _cell(results: list[Result], run: list[Result] | None) -> str:
    if run is None:
        return "not run"
    how = outcome(results)
    return f"{how} ({len(results)})" if how else "–"


def _shown(by_run: Iterable[list[Result]]) -> str:
    sentences = sorted({result.sentence for results in by_run for result in results})
    if not sentences:
        return "**no test**"
    return sentences[0] if len(sentences) == 1 else f"{sentences[0]}; and {len(sentences) - 1} more"


def _told(by_run: Mapping[Run, list[Result]]) -> str:
    told = [
        f"{NAMES[database]} {form}: {result.figures}"
        for (database, form), results in by_run.items()
        for result in results
        if result.figures
    ]
    return "; ".join(told)


def _mutations(reports: Reports) -> str:
    told = [f"- {NAMES[database]} {form}: {one.outcome}; {one.figures}" for (database, form), one in _tried(reports)]
    return "\n".join([*(told or ["not run"]), ""])


def _tried(reports: Reports) -> list[tuple[Run, Result]]:
    """The tests that break one choke point after the other and ask whether a named test fails."""
    return [(run, one) for run, results in reports.items() for one in results or () if one.test == MUTATIONS]


def _figures(names: Iterable[str], figures: Figures) -> str:
    lines = [_line("", "figure", "budget", "", "conditions"), _line(*["---"] * 5)]
    for name in names:
        found = _named(name, figures)
        if not found:
            lines.append(_line(name, "not measured", "", "**not run**", ""))
        for measured, one in found.items():
            verdict = "within" if one["ok"] else "**over**"
            shown = f"{_number(one['figure'])} {one['unit']}"
            lines.append(_line(measured, shown, str(one["budget"]), verdict, str(one["conditions"])))
    return "\n".join([*lines, ""])


def _of(case: str, results: list[Result] | None) -> list[Result]:
    return [result for result in results or () if case in cases_of(result.test)]


def _named(name: str, figures: Figures) -> Figures:
    """`B1` also has `B1p` and `B1 postgresql`, but not `B10`."""
    return {
        key: figure for key, figure in figures.items() if key.startswith(name) and not key[len(name) :][:1].isdigit()
    }


def _number(figure: float) -> str:
    return f"{figure:,.2f}" if abs(figure) < 100 else f"{figure:,.0f}"


def _run(database: str, form: str) -> str:
    return f"{NAMES[database]}, {form}"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
