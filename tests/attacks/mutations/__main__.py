"""Break one choke point at a time in a copy of the tree, and run the tests that must notice.

python -m tests.attacks.mutations              # all of them, a table at the end
python -m tests.attacks.mutations tokens http  # those whose description or file holds one of the words
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.attacks.mutations.catalogue import MUTATIONS, Mutation
from tiski.testing.folders import fast_folder

ROOT = Path(__file__).parents[3]
COPIED = ("tiski", "tests", "conftest.py", "pyproject.toml", "docs", "scripts", "requirements")
LINKED = (".venv", "node_modules")
LONGEST = 300.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the tests made of an edit: noticed means that a named test failed, not that none could run."""

    mutation: Mutation
    noticed: bool
    seconds: float
    last_line: str


def try_out(mutation: Mutation, tree: Path) -> Outcome:
    """Apply the edit in the copy, run the named tests, take the edit back."""
    began = time.monotonic()
    file = tree / mutation.file
    whole = file.read_text()
    file.write_text(whole.replace(mutation.old, mutation.new, 1))
    try:
        done = subprocess.run(
            [tree / ".venv/bin/python", "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", "-q", "-x",
             "--no-header", "--tb=line", *mutation.tests],
            cwd=tree, env=_environment(), capture_output=True, text=True, timeout=LONGEST, check=False,
        )  # fmt: skip
    finally:
        file.write_text(whole)
    last = (done.stdout.strip().splitlines() or [""])[-1]
    # 1: tests ran and failed. 2 and above: they could not run, which proves nothing.
    noticed = done.returncode == 1 and re.search(r"\b\d+ failed", last) is not None
    return Outcome(mutation, noticed, time.monotonic() - began, last)


def run(words: list[str]) -> list[Outcome]:
    """Try every edit whose description or file holds one of the words; all without words."""
    chosen = [one for one in MUTATIONS if not words or any(word in f"{one.breaks} {one.file}" for word in words)]
    with tempfile.TemporaryDirectory(prefix="tiski-mutations-", dir=fast_folder()) as folder:
        tree = Path(folder)
        _copy(tree)
        outcomes = []
        for mutation in chosen:
            outcomes.append(try_out(mutation, tree))
            _print(outcomes[-1])
    return outcomes


def _copy(tree: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, tree / name)
    for name in LINKED:
        if (ROOT / name).exists():
            (tree / name).symlink_to(ROOT / name)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TISKI_", "PYTEST_", "DJANGO_"))}
    # Python decides by whole seconds and sizes whether its compiled files are fresh: too coarse for quick edits.
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"}


def _print(outcome: Outcome) -> None:
    said = "noticed" if outcome.noticed else "MISSED "
    sys.stdout.write(f"{said} {outcome.seconds:6.1f} s  {outcome.mutation.breaks}: {outcome.last_line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    found = run(sys.argv[1:])
    missed = [outcome for outcome in found if not outcome.noticed]
    sys.stdout.write(f"{len(found) - len(missed)} of {len(found)} noticed\n")
    sys.exit(1 if missed else 0)
