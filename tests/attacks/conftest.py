"""One running instance with two shops for all attacks that need real processes."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tiski.testing import plugin
from tiski.testing.postgres import Postgres
from tiski.testing.storefronts import Storefronts

from .instance import Instance


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Attacks that share the instance stay together on one worker, so that it starts once."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            if "instance" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("xdist_group"):
                item.add_marker(pytest.mark.xdist_group("attacks"))


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Instance]:
    """A running Tiski with Teepuoti and Kahvila."""
    data = tmp_path_factory.mktemp("attacked") / "data"
    data.mkdir(mode=0o700)
    url = ""
    if plugin.database() == "postgresql":
        cluster: Postgres = request.getfixturevalue("durable_postgres")
        url = cluster.create(f"attacked_{uuid4().hex}")
    with Instance(data, database_url=url) as running:
        yield running


@pytest.fixture(scope="session")
def shops(instance: Instance) -> Iterator[Storefronts]:
    """Storefronts of Teepuoti, whose origin it knows."""
    with Storefronts(instance.address, "teepuoti") as storefronts:
        instance.admit(storefronts.origin)
        yield storefronts
