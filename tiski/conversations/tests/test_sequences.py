"""Any order of sends, repeats, closings and answers ends as a simple model of the counter says (I2, I3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiski.conversations import actions as conversations
from tiski.conversations.actions import Posted, Posting
from tiski.conversations.models import Conversation, Message
from tiski.testing.world import Shopper, World

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 2)),
        st.tuples(st.just("send again"), st.integers(0, 2)),
        st.tuples(st.just("answer"), st.integers(0, 2)),
        st.tuples(st.just("automatic"), st.integers(0, 2)),
        st.tuples(st.just("close"), st.integers(0, 2)),
        st.tuples(st.just("commit"), st.just(0)),
    ),
    max_size=30,
)


@dataclass(slots=True)
class Expected:
    """One conversation as the model has it."""

    texts: list[str] = field(default_factory=list)
    sent: list[Posting] = field(default_factory=list)
    waits: bool = False
    closed: bool = False


@dataclass(slots=True)
class Model:
    """Three visitors, what each has been told to expect, and what waits for the next commit."""

    world: World
    shoppers: list[Shopper]
    expected: dict[UUID, Expected]
    waiting: list[Posting] = field(default_factory=list)

    def send(self, shopper: Shopper) -> None:
        """A new message of the visitor's."""
        expected = self.expected[shopper.conversation]
        posting = shopper.says(f"viesti {len(expected.sent)}")
        expected.sent.append(posting)
        expected.texts.append(posting.body)
        expected.waits, expected.closed = True, False
        self.waiting.append(posting)

    def send_again(self, shopper: Shopper) -> None:
        """The visitor's browser does not trust the first answer."""
        sent = self.expected[shopper.conversation].sent
        if sent:
            self.waiting.append(sent[len(sent) // 2])

    def commit(self) -> None:
        """The writer takes what waits."""
        outcomes = conversations.post_many(self.waiting)
        assert all(isinstance(outcome, Posted) for outcome in outcomes)
        self.waiting.clear()

    def from_the_shop(self, shopper: Shopper, *, is_automatic: bool) -> None:
        """The shop says something, if there is a conversation."""
        self.commit()
        conversation = Conversation.unscoped.filter(uuid=shopper.conversation).first()
        if conversation is None:
            return
        with self.world.scope():
            conversations.post(
                conversation, body="vastaus", client_id=uuid4(), is_automatic=is_automatic, by=self.world.by_mia
            )
        expected = self.expected[shopper.conversation]
        expected.texts.append("vastaus")
        expected.waits = expected.waits and is_automatic

    def close(self, shopper: Shopper) -> None:
        """Mia closes, if it is open."""
        self.commit()
        conversation = Conversation.unscoped.filter(uuid=shopper.conversation, closed_at__isnull=True).first()
        if conversation is None:
            return
        with self.world.scope():
            conversations.close(conversation, by=self.world.by_mia)
        self.expected[shopper.conversation].closed = True
        self.expected[shopper.conversation].waits = False

    def do(self, step: str, number: int) -> None:
        """One step."""
        shopper = self.shoppers[number]
        if step == "send":
            self.send(shopper)
        elif step == "send again":
            self.send_again(shopper)
        elif step == "close":
            self.close(shopper)
        elif step == "commit":
            self.commit()
        else:
            self.from_the_shop(shopper, is_automatic=step == "automatic")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_the_order_the_rows_are_what_the_model_says(world: World, steps: list[tuple[str, int]]) -> None:
    shoppers = [Shopper(world) for _ in range(3)]
    model = Model(world, shoppers, {shopper.conversation: Expected() for shopper in shoppers})
    for step, number in steps:
        model.do(step, number)
    model.commit()
    for uuid, expected in model.expected.items():
        conversation = Conversation.unscoped.filter(uuid=uuid).first()
        if conversation is None:
            assert expected.texts == []
            continue
        said = Message.unscoped.filter(conversation=conversation).order_by("seq").values_list("seq", "body")
        assert list(said) == list(enumerate(expected.texts, 1))
        assert conversation.last_seq == len(expected.texts)
        assert (conversation.waiting_since is not None, conversation.closed_at is not None) == (
            expected.waits,
            expected.closed,
        )
