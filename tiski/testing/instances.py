"""Fixtures of running products. The first run happens once per worker; whoever asks afterwards gets a copy of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tiski.testing import plugin
from tiski.testing.premises import Premises
from tiski.testing.tiski_process import TiskiProcess

Record = Callable[..., None]


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Premises:
    """A demo shop whose first run is over, on the database of this run; nothing runs in it."""
    cluster = None if plugin.database() == "sqlite" else request.getfixturevalue("durable_postgres")
    return Premises.open(tmp_path_factory.mktemp("opened") / "data", cluster)


@pytest.fixture
def shop(opened: Premises, tmp_path: Path) -> Premises:
    """A copy of the opened shop for this test alone."""
    return opened.copy(tmp_path / "data")


@pytest.fixture(scope="module")
def shop_of_module(opened: Premises, tmp_path_factory: pytest.TempPathFactory) -> Premises:
    """A copy for all tests of a module."""
    return opened.copy(tmp_path_factory.mktemp("shop") / "data")


@pytest.fixture(scope="module")
def tiski(shop_of_module: Premises) -> Iterator[TiskiProcess]:
    """The product over it, for all tests of a module: each works in a conversation of its own."""
    with shop_of_module.product() as process:
        yield process


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Record:
    """Keeps figures of a test for `docs/record.md`, `record(killed=4, lost=0)`: a property in pytest's JUnit report."""

    def write(**figures: object) -> None:
        record_property("figures", json.dumps(figures))

    return write
