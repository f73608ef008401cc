"""What the fault cases ask for: a shop that is open already, and a place for the figures they measured."""

from __future__ import annotations

import os
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


@pytest.fixture
def on_postgresql(shop: Premises) -> Premises:
    """The same, for cases that only a database server can have; the run on SQLite leaves them out."""
    assert shop.cluster is not None
    return shop


@pytest.fixture
def as_root() -> None:
    """For what only root may do: mount, trace, limit."""
    if os.geteuid() != 0:
        raise Missing("This needs root. Run: sudo make test")
