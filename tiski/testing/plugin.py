"""Sets the environment of a test run, before Django reads its settings.

`TISKI_TEST_DATABASE=sqlite|postgresql` chooses the database (SQLite unless told). PostgreSQL is a throw-away cluster of
this run, unless `TISKI_DATABASE_URL` names another one. xdist workers inherit what the first process set, but for the
data folder.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tiski.testing.folders import fast_folder
from tiski.testing.postgres import Postgres

_owned: list[Path] = []
_cluster: list[Postgres] = []


def database() -> str:
    """`sqlite` or `postgresql`: what this run tests on."""
    return os.environ.get("TISKI_TEST_DATABASE", "sqlite")


def run_folder() -> Path:
    """The temporary folder of this run, shared by its workers."""
    return Path(os.environ["TISKI_TEST_FOLDER"])


def _prepare() -> None:
    if "TISKI_TEST_FOLDER" in os.environ:
        _prepare_worker()
        return
    if database() not in {"sqlite", "postgresql"}:
        raise pytest.UsageError(f"TISKI_TEST_DATABASE={database()!r}: use sqlite or postgresql.")
    folder = Path(tempfile.mkdtemp(prefix="tiski-tests-", dir=fast_folder()))
    _owned.append(folder)
    for name in [name for name in os.environ if name.startswith("TISKI_") and not name.startswith("TISKI_TEST_")]:
        if name != "TISKI_DATABASE_URL" or database() == "sqlite":
            del os.environ[name]
    os.environ["TISKI_TEST_FOLDER"] = str(folder)
    os.environ["TISKI_DATA"] = str(folder / "data")
    (folder / "data").mkdir(mode=0o700)
    if database() == "postgresql" and "TISKI_DATABASE_URL" not in os.environ:
        cluster = Postgres().start()
        _cluster.append(cluster)
        os.environ["TISKI_DATABASE_URL"] = cluster.url("tiski")


def _prepare_worker() -> None:
    """A data folder of its own, as a worker has a database of its own: one's sweep would take the other's files."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        data = run_folder() / f"data-{worker}"
        data.mkdir(mode=0o700, exist_ok=True)
        os.environ["TISKI_DATA"] = str(data)


@atexit.register
def _clean_up() -> None:
    for cluster in _cluster:
        cluster.stop()
    for folder in _owned:
        shutil.rmtree(folder, ignore_errors=True)
    _cluster.clear()
    _owned.clear()


_prepare()
