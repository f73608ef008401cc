"""One desk and one street of storefronts for all browser tests of the widget."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tiski.testing.chromium import Screen
from tiski.testing.premises import Premises
from tiski.testing.storefronts import Storefronts
from tiski.testing.storefronts.desk import Desk
from tiski.testing.storefronts.shopper import Shopper


@pytest.fixture(scope="session")
def street(opened: Premises, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Storefronts]]:
    """A desk and its storefronts, whose origin it knows before anybody comes."""
    place = opened.copy(tmp_path_factory.mktemp("desk") / "data")
    with Desk(place.data) as running, Storefronts(running.address, running.key) as shops:
        running.admit(shops.origin)
        yield running, shops


@pytest.fixture(scope="session")
def desk(street: tuple[Desk, Storefronts]) -> Desk:
    """A running `tiski up` in which Mia answers."""
    return street[0]


@pytest.fixture(scope="session")
def shops(street: tuple[Desk, Storefronts]) -> Storefronts:
    """The storefronts."""
    return street[1]


@pytest.fixture
def enter(open_screen: Callable[..., Screen], shops: Storefronts) -> Callable[..., Shopper]:
    """Ada enters a storefront: `enter("strict", size=PHONE)`; options are those of `open_screen`."""

    def go_in(page: str = "plain", **options: object) -> Shopper:
        return Shopper(open_screen(**options)).visit(shops.address(page))

    return go_in
