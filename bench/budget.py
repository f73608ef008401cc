"""A budget's figure, and the table of all of them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
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


def write(figures: dict[str, Figure]) -> None:
    """Keep the figures for the record, those of budgets that were not run this time included."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    kept.update({name: asdict(figure) for name, figure in figures.items()})
    RESULTS.write_text(json.dumps(dict(sorted(kept.items())), indent=2, ensure_ascii=False) + "\n")


def table(figures: dict[str, Figure]) -> str:
    """The figures as people read them."""
    lines = [f"{'':5} {'figure':>12}  {'unit':22} {'budget':26} conditions", "-" * 130]
    for name, found in figures.items():
        mark = "ok" if found.ok else "OVER"
        shown = f"{found.figure:,.1f}" if found.figure < 1000 else f"{found.figure:,.0f}"
        lines.append(f"{name:5} {shown:>12}  {found.unit:22} {found.budget:21} {mark:4} {found.conditions}")
    return "\n".join([*lines, "", machine()])


def machine() -> str:
    """Where and on what commit."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    where = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    return f"{where}, commit {commit.stdout.strip()}"
