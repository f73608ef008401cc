"""The tea shop and its people, as every test of accounts finds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.test import Client

from tiski.accounts import actions as accounts
from tiski.accounts.models import Agent, Membership, Shop
from tiski.accounts.policies import actor_of
from tiski.kernel.action import SYSTEM, Actor
from tiski.kernel.events import delivering
from tiski.kernel.models import Delivery, Fact

PASSWORD = "vihreä tee 75 astetta"


@dataclass(frozen=True, slots=True)
class Teashop:
    """Teepuoti: Noor owns it, Mia answers."""

    shop: Shop
    noor: Agent
    mia: Agent

    @property
    def by_noor(self) -> Actor:
        """Noor as the one who does it."""
        return actor_of(self.noor)

    @property
    def by_mia(self) -> Actor:
        """Mia as the one who does it."""
        return actor_of(self.mia)

    def member(self, agent: Agent) -> Membership:
        """The agent's membership as it stands in the database."""
        return Membership.unscoped.select_related("agent", "shop").get(shop=self.shop, agent=agent)


@pytest.fixture(autouse=True)
def quick_passwords(settings: object) -> None:
    """The real hash is slow on purpose; one test of its own checks that it is argon2."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]


@pytest.fixture
def teashop(db: None) -> Teashop:
    """The shop, opened by Noor, with Mia in it."""
    noor = accounts.first_owner(name="Noor Haddad", email="noor@teepuoti.example", password=PASSWORD)
    shop = accounts.create_shop(
        name="Teepuoti", key="teepuoti", language="fi", timezone="Europe/Helsinki", by=actor_of(noor)
    )
    mia = accounts.create_agent(name="Mia Mäkinen", email="mia@teepuoti.example", password=PASSWORD, by=SYSTEM)
    accounts.add_member(shop, mia, role="agent", by=actor_of(noor))
    return Teashop(shop, noor, mia)


@pytest.fixture
def browser_of() -> Callable[[Agent], Client]:
    """A browser in which an agent has signed in through the page."""

    def sign_in(agent: Agent) -> Client:
        client = Client()
        answer = client.post("/sign-in/", {"login": agent.email, "password": PASSWORD})
        assert answer.status_code == 302, answer.content.decode()
        return client

    return sign_in


@pytest.fixture
def deliver() -> Iterator[Callable[[], int]]:
    """Run the deliveries that are due, as the worker does."""

    def run() -> int:
        count = 0
        while ran := delivering.run_due("test"):
            count += ran
        return count

    yield run
    assert not Delivery.objects.filter(error__gt="").exists()


def facts(name: str) -> list[dict[str, object]]:
    """What the facts of this name say, oldest first."""
    return list(Fact.objects.filter(name=name).order_by("id").values_list("data", flat=True))
