"""The tea shop, and two ways in that exist for these tests: a counter that keeps everything, a letterbox that sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tiski.conversations import contract
from tiski.conversations.contract import (
    ALLOWED,
    Ability,
    Accepted,
    Addressee,
    Outgoing,
    Situation,
    Verdict,
    register_channel,
)
from tiski.conversations.models import Attachment
from tiski.customers.queries import address_of
from tiski.kernel import clock
from tiski.kernel.models import Blob, Fact
from tiski.testing.world import World, coffee_shop, tea_shop


@dataclass(slots=True)
class Counter:
    """A channel whose answers are read in the shop itself, as chat is."""

    kind: str = "counter"
    name: str = "Counter"
    can: frozenset[Ability] = frozenset({Ability.FILES, Ability.TYPING})
    longest_body: int = 4_000
    verdict: Verdict = ALLOWED

    def can_send(self, conversation: Situation) -> Verdict:
        """Whatever the test has decided."""
        return self.verdict

    def addressees(self, conversation: Situation) -> Sequence[Addressee]:
        """Nobody outside."""
        return ()

    def deliver(self, item: Outgoing) -> Accepted:
        """Never asked."""
        raise AssertionError("a counter sends nothing out")


@dataclass(slots=True)
class Letterbox:
    """A channel that sends out: each delivery does what `results` says next, and is remembered."""

    kind: str = "letters"
    name: str = "Letters"
    can: frozenset[Ability] = frozenset({Ability.SENDS_OUT, Ability.UNDO, Ability.HTML, Ability.SUBJECT})
    longest_body: int = 100_000
    verdict: Verdict = ALLOWED
    delivered: list[Outgoing] = field(default_factory=list)
    results: list[Accepted | Exception] = field(default_factory=list)

    def can_send(self, conversation: Situation) -> Verdict:
        """Whatever the test has decided."""
        return self.verdict

    def addressees(self, conversation: Situation) -> Sequence[Addressee]:
        """The customer's email address."""
        address = address_of(conversation.customer_id, "email")
        return [Addressee(address.shown, "<m.{}@teepuoti.example>".format)] if address else []

    def deliver(self, item: Outgoing) -> Accepted:
        """Send it, or fail as told."""
        self.delivered.append(item)
        result = self.results.pop(0) if self.results else Accepted("250 ok")
        if isinstance(result, Exception):
            raise result
        return result


@pytest.fixture
def world(db: None) -> World:
    """Teepuoti and its people."""
    return tea_shop()


@pytest.fixture
def other_shop(db: None) -> World:
    """Kahvila, which may see nothing of Teepuoti."""
    return coffee_shop()


@pytest.fixture
def counter() -> Iterator[Counter]:
    """The counter, registered for one test."""
    channel = Counter()
    with _registered(channel):
        yield channel


@pytest.fixture
def letterbox() -> Iterator[Letterbox]:
    """The letterbox, registered for one test."""
    channel = Letterbox()
    with _registered(channel):
        yield channel


@pytest.fixture
def facts() -> Callable[[], list[tuple[str, dict[str, object]]]]:
    """What has been told since the fixture was asked for, or since it was last read: name and data."""
    seen = list(Fact.objects.order_by("-id").values_list("id", flat=True)[:1])

    def read() -> list[tuple[str, dict[str, object]]]:
        found = list(Fact.objects.filter(id__gt=seen[0] if seen else 0).order_by("id"))
        seen[:] = [found[-1].id] if found else seen
        return [(fact.name, fact.data) for fact in found]

    return read


@pytest.fixture
def upload(world: World) -> Callable[..., Attachment]:
    """Put a file of the shop at an uploader's disposal."""

    def put(uploader: str, name: str = "kuitti.pdf") -> Attachment:
        blob = Blob.unscoped.create(
            shop_id=world.shop.id,
            sha256="0" * 64,
            size=412,
            content_type="application/pdf",
            name=name,
            created_at=clock.now(),
        )
        return Attachment.unscoped.create(
            shop=world.shop, blob_id=blob.id, uploader=uploader, name=name, size=412, content_type="application/pdf"
        )

    return put


@contextmanager
def _registered(channel: Counter | Letterbox) -> Iterator[None]:
    register_channel(channel)
    yield
    del contract._channels.by_kind[channel.kind]
