"""A budget's figure, and the table of all of them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured: `figure` in `unit`, against `budget`, under `conditions`."""

    figure: float
    unit: str
    budget: str
    ok: bool
    conditions: str


def located(figures: dict[str, Figure], database: str) -> dict[str, Figure]:
    """The figures with where, when and on what database they were measured; PostgreSQL's stand beside SQLite's."""
    suffix = "" if database == "sqlite" else f" {database}"
    where = f"{database}; load average {os.getloadavg()[0]:.1f}; {machine()}"
    return {name + suffix: replace(found, conditions=f"{found.conditions}; {where}") for name, found in figures.items()}


def write(figures: dict[str, Figure]) -> None:
    """Keep the figures for the record, those of budgets that were not run this time included."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    kept.update({name: asdict(figure) for name, figure in figures.items()})
    beside = RESULTS.with_suffix(".new")
    beside.write_text(json.dumps(dict(sorted(kept.items())), indent=2, ensure_ascii=False) + "\n")
    beside.replace(RESULTS)


def table(figures: dict[str, Figure]) -> str:
    """The figures as people read them."""
    widest = max([len(name) for name in figures], default=4)
    lines = [f"{'':{widest}} {'figure':>12}  {'unit':24} {'budget':26} conditions", "-" * 130]
    for name, found in figures.items():
        mark = "ok" if found.ok else "OVER"
        shown = f"{found.figure:,.2f}" if found.figure < 10 else f"{found.figure:,.0f}"
        lines.append(f"{name:{widest}} {shown:>12}  {found.unit:24} {found.budget:26} {mark:4} {found.conditions}")
    return "\n".join(lines)


@cache
def machine() -> str:
    """Where and on what commit."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run(["git", "status", "--porcelain", "tiski"], capture_output=True, text=True, check=False)
    state = f"{commit.stdout.strip()}{' with changes' if changed.stdout.strip() else ''}"
    return f"{os.cpu_count()} cores, {_processor()}, Python {platform.python_version()}, commit {state}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
