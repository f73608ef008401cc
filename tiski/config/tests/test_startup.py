"""Starting: processes that begin at the same moment over an empty place do not get in each other's way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.timeout(180)
def test_three_processes_that_start_at_once_make_one_key_and_one_schema(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TISKI_", "DJANGO_"))}
    environment = {**kept, "TISKI_DATA": str(tmp_path / "data")}
    command = [sys.executable, "-m", "tiski.config.cli"]
    starting = [
        subprocess.Popen([*command, "migrate"], cwd=ROOT, env=environment, stderr=subprocess.PIPE) for _ in range(3)
    ]
    said = [process.communicate(timeout=150)[1].decode() for process in starting]
    assert (said, [process.returncode for process in starting]) == ([""] * 3, [0, 0, 0])
    checked = subprocess.run(
        [*command, "check"], cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False
    )
    assert checked.returncode == 0, checked.stderr.decode()
