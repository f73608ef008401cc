"""Writes tests/operations/earlier/: the schema and the rows that an earlier commit makes, on SQLite and PostgreSQL.

python -m scripts.earlier [COMMIT]      # the last one unless told; run it before a release, with the release's tag

The commit's own code, unpacked apart, opens its demo shop; the upgrade rehearsal begins with what that left behind.
Passwords and sign-ins are taken out: the rehearsal sets its own.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "operations" / "earlier"
LEAVE_OUT = (
    "UPDATE accounts_agent SET password = '!'",
    "DELETE FROM accounts_agentsession",
    "DELETE FROM kernel_pulse",
)


def main() -> int:
    """Write the three files."""
    parser = argparse.ArgumentParser(prog="python -m scripts.earlier", description=__doc__)
    parser.add_argument("commit", nargs="?", default="HEAD")
    commit = _git("rev-parse", parser.parse_args().commit).decode().strip()
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tiski-earlier-") as place:
        code = Path(place) / "code"
        with tarfile.open(fileobj=io.BytesIO(_git("archive", commit))) as tar:
            tar.extractall(code, filter="data")
        (FOLDER / "sqlite.sql").write_text(_on_sqlite(code, Path(place) / "sqlite"))
        (FOLDER / "postgresql.sql").write_text(_on_postgresql(code, Path(place) / "postgresql"))
    release = re.search(r'__version__ = "([^"]+)"', _git("show", f"{commit}:tiski/__init__.py").decode())
    about = {"commit": commit, "release": release[1] if release else ""}
    (FOLDER / "about.json").write_text(json.dumps(about, indent=2) + "\n")
    return 0


def _on_sqlite(code: Path, data: Path) -> str:
    _open_the_shop(code, data, "")
    with closing(sqlite3.connect(data / "tiski.sqlite3", isolation_level=None)) as database:
        for statement in LEAVE_OUT:
            database.execute(statement)
        return "\n".join([*database.iterdump(), ""])


def _on_postgresql(code: Path, data: Path) -> str:
    from tiski.testing.needs import program
    from tiski.testing.postgres import Postgres

    with Postgres(durable=True) as cluster:
        _open_the_shop(code, data, cluster.url())
        for statement in LEAVE_OUT:
            subprocess.run([program("psql"), "-qd", cluster.url(), "-c", statement], check=True)
        options = ["--no-owner", "--no-privileges", "--rows-per-insert=50"]
        dump = subprocess.run([program("pg_dump"), *options, cluster.url()], check=True, stdout=subprocess.PIPE).stdout
    # psql's own words, with a new random one each time.
    return re.sub(r"^\\(?:un)?restrict .*\n", "", dump.decode(), flags=re.MULTILINE)


def _open_the_shop(code: Path, data: Path, url: str) -> None:
    """The first start of that code, until it says that it is open."""
    data.mkdir(mode=0o700)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TISKI_", "DJANGO_"))}
    own = {"TISKI_DATA": str(data), "TISKI_DATABASE_URL": url, "TISKI_PORT": "0"}
    command = [sys.executable, "-m", "tiski.config.cli", "up"]
    with subprocess.Popen(command, cwd=code, env=kept | own, stdout=subprocess.PIPE, text=True) as process:
        said = iter(process.stdout or ())
        if not any(line.startswith("Stop with") for line in said):
            raise SystemExit("The earlier commit did not start; its reason is above.")
        process.terminate()


def _git(*words: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *words], check=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    sys.exit(main())
