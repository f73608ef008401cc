"""What the fault cases ask for: a shop that is open already, and a place for the figures they measured."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tiski.testing import plugin
from tiski.testing.needs import Missing
from tiski.testing.premises import Premises

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep these tests together on one worker: they share an opened shop, and two storms at once prove nothing."""
    ours = [item for item in items if FOLDER in item.path.parents]
    if config.pluginmanager.hasplugin("xdist"):
        for item in ours:
            item.add_marker(pytest.mark.xdist_group("faults"))
    if plugin.database() == "sqlite":
        elsewhere = [item for item in ours if "on_postgresql" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Premises:
    """A shop whose first run is over; tests take copies."""
    cluster = None if plugin.database() == "sqlite" else request.getfixturevalue("durable_postgres")
    return Premises.open(tmp_path_factory.mktemp("opened") / "data", cluster)


@pytest.fixture
def shop(opened: Premises, tmp_path: Path) -> Premises:
    """A copy of the opened shop for this test alone."""
    return opened.copy(tmp_path / "data")


@pytest.fixture
def on_postgresql(shop: Premises) -> Premises:
    """The same, for cases that only a database server can have; the run on SQLite leaves them out."""
    assert shop.cluster is not None
    return shop


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Writes one line of figures for the record, `record(killed=4, lost=0)`, into the folder TISKI_RECORD if set.

    The same figures are a property of the test in pytest's own JUnit report.
    """

    def write(**figures: object) -> None:
        folder = os.environ.get("TISKI_RECORD")
        case = request.node.name.split("_")[1].upper()
        line = {"case": case, "database": plugin.database(), "test": request.node.name, "figures": figures}
        request.node.user_properties.append(("figures", json.dumps(figures)))
        if folder:
            with (Path(folder) / "faults.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")

    return write


@pytest.fixture
def as_root() -> None:
    """For what only root may do: mount, trace, limit."""
    if os.geteuid() != 0:
        raise Missing("This needs root. Run: sudo make test")
