"""One running instance with two shops for all attacks that need real processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tiski.testing.premises import Premises
from tiski.testing.storefronts import Storefronts

from .instance import Instance


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Attacks that share the instance stay together on one worker, so that it starts once."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            if "instance" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("xdist_group"):
                item.add_marker(pytest.mark.xdist_group("attacks"))


@pytest.fixture(scope="session")
def instance(opened: Premises, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A running Tiski with Teepuoti and Kahvila."""
    with Instance(opened.copy(tmp_path_factory.mktemp("attacked") / "data")) as running:
        yield running


@pytest.fixture(scope="session")
def shops(instance: Instance) -> Iterator[Storefronts]:
    """Storefronts of Teepuoti, whose origin it knows."""
    with Storefronts(instance.address, "teepuoti") as storefronts:
        instance.admit(storefronts.origin)
        yield storefronts
