"""Where and on what something was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path


def about() -> dict[str, str]:
    """Date and machine, as the page shows them."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": f"{os.cpu_count()} cores, {_field('/proc/cpuinfo', 'model name') or platform.machine()}",
        "memory": _gigabytes(_field("/proc/meminfo", "MemTotal")),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite": _sqlite(),
        "PostgreSQL": _postgresql(),
    }


def commit(root: Path) -> str:
    """The commit that is checked out, and whether something differs from it."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--", "tiski", "tests", "bench")
    return f"{git('rev-parse', 'HEAD') or 'unknown'}{' with uncommitted changes' if changed else ''}"


def _field(file: str, name: str) -> str:
    path = Path(file)
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _gigabytes(kilobytes: str) -> str:
    return f"{int(kilobytes.split(maxsplit=1)[0]) / 1024 / 1024:.1f} GiB" if kilobytes else "unknown"


def _sqlite() -> str:
    from pysqlite3 import dbapi2

    return str(dbapi2.sqlite_version)


def _postgresql() -> str:
    from tiski.testing.needs import Missing, program

    try:
        done = subprocess.run([program("postgres"), "--version"], capture_output=True, text=True, check=True)
    except Missing:
        return "not installed"
    return done.stdout.split()[2]
