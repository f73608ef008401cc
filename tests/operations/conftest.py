"""A shop that is open already, the operator's commands, and databases for what several tests of a module share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

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
