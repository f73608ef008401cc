"""A shop that is open already, the operator's commands, and databases for what several tests of a module share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from tiski.testing import plugin
from tiski.testing.postgres import Postgres
from tiski.testing.premises import Premises

FOLDER = Path(__file__).parent
COMMAND_SECONDS = 150
Command = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what starts the product on one worker: it shares an opened shop and a cluster."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        if FOLDER in item.path.parents and item.get_closest_marker("both"):
            item.add_marker(pytest.mark.xdist_group("operations"))


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Premises:
    """A shop whose first run is over; tests take copies."""
    cluster = None if plugin.database() == "sqlite" else request.getfixturevalue("durable_postgres")
    return Premises.open(tmp_path_factory.mktemp("opened") / "data", cluster)


@pytest.fixture
def shop(opened: Premises, tmp_path: Path) -> Premises:
    """A copy of the opened shop for this test alone."""
    return opened.copy(tmp_path / "data")


@pytest.fixture(scope="module")
def fresh_database(request: pytest.FixtureRequest) -> str:
    """As `database_url`, for a whole module: empty for SQLite, else an empty PostgreSQL database."""
    if plugin.database() == "sqlite":
        return ""
    cluster: Postgres = request.getfixturevalue("durable_postgres")
    return cluster.create(f"operations_{uuid4().hex}")


@pytest.fixture
def command() -> Command:
    """`command(shop, "backup", file)`: a command of `tiski` with the settings of a shop, as an operator types it."""

    def run(shop: Premises, *words: object, environment: Mapping[str, str] | None = None) -> object:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TISKI_", "DJANGO_"))}
        own = {"TISKI_DATA": str(shop.data), "TISKI_DATABASE_URL": shop.database_url}
        return subprocess.run(
            [sys.executable, "-m", "tiski.config.cli", *map(str, words)],
            env=kept | own | dict(environment or {}),
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    return run  # type: ignore[return-value]


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Keeps figures of a test for the record: `record(restored=2.1)`, a property in pytest's JUnit report."""

    def write(**figures: object) -> None:
        request.node.user_properties.append(("figures", json.dumps(figures)))

    return write
