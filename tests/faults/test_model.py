"""F41: shoppers and an agent do anything in any order, servers die at any moment, and a model says what must be there.

The rules call the real actions and the reads of the live line; the model is a list per conversation. A shopper has a
browser that renders what it hears, keeps what was not acknowledged, and asks again after every drop (I1-I4).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tiski.channels.chat import queries as chat
from tiski.conversations import actions as conversations
from tiski.conversations.actions import Posted, Posting
from tiski.conversations.errors import AlreadyClosed, NewerMessages, NotClosed
from tiski.conversations.events import MessagePosted
from tiski.conversations.models import Conversation, Message, Note
from tiski.customers import actions as customers
from tiski.customers.errors import MergedAlready
from tiski.customers.models import Merge
from tiski.kernel.action import SYSTEM
from tiski.kernel.models import Fact
from tiski.testing.world import Shopper, World, tea_shop

SHOPPERS = st.integers(0, 2)
HEALTHY = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@dataclass(slots=True)
class Said:
    """One entry as the model has it."""

    client_id: UUID
    body: str
    author: str


@dataclass(slots=True)
class Expected:
    """What a conversation must be."""

    entries: list[Said] = field(default_factory=list)
    is_closed: bool = False
    waits: bool = False
    assignee: int | None = None
    notes: int = 0


@dataclass(slots=True)
class Browser:
    """A shopper's window: what it shows, what it has sent and not been told about, and whether it hears anything."""

    shopper: Shopper
    sent: dict[UUID, str] = field(default_factory=dict)
    acknowledged: dict[UUID, int] = field(default_factory=dict)
    on_the_line: list[tuple[UUID, int]] = field(default_factory=list)
    shows: dict[int, str] = field(default_factory=dict)
    is_connected: bool = True

    @property
    def reached(self) -> int:
        """The last seq up to which nothing is missing."""
        seq = 0
        while seq + 1 in self.shows:
            seq += 1
        return seq

    def show(self, seq: int, body: str) -> None:
        """Put an entry where it belongs; two different ones never claim the same place."""
        assert self.shows.setdefault(seq, body) == body


class AnyOrder(RuleBasedStateMachine):
    """Everything that can happen to three conversations."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.database = transaction.atomic()
        self.database.__enter__()
        self.browsers = [Browser(Shopper(self.world)) for _ in range(3)]
        self.expected: dict[UUID, Expected] = {}
        self.arrived: list[Posting] = []
        self.touched: set[UUID] = set()
        self.seen: dict[UUID, int] = {}
        self.merges: list[Merge] = []
        self.widget = chat.widget(self.world.widget.key)

    def teardown(self) -> None:
        """In the end the faults are over: everyone comes back, and every window shows what the database has."""
        try:
            for number in range(len(self.browsers)):
                self.reconnect(number)
            self.commit()
            for browser in self.browsers:
                self._hear_acknowledgements(browser)
                self._read(browser)
                self._everything_arrived(browser)
        finally:
            transaction.set_rollback(True)
            self.database.__exit__(None, None, None)

    @initialize(number=SHOPPERS)
    def someone_asks(self, number: int) -> None:
        """There is always one conversation."""
        self.send(number)
        self.commit()

    @rule(number=SHOPPERS)
    def send(self, number: int) -> None:
        """A message is written; it reaches the server if the line is up."""
        browser = self.browsers[number]
        client_id = uuid4()
        browser.sent[client_id] = f"viesti {len(browser.sent)} / {number}"
        self._submit(browser, client_id)

    @rule(number=SHOPPERS, which=st.integers(0, 50))
    def send_again(self, number: int, which: int) -> None:
        """A browser that is unsure sends once more, whether it was told or not."""
        browser = self.browsers[number]
        if browser.sent:
            self._submit(browser, list(browser.sent)[which % len(browser.sent)])

    @rule()
    def commit(self) -> None:
        """The writer stores what has arrived and tells whoever still listens."""
        arrived, outcomes = self._store()
        for posting, outcome in zip(arrived, outcomes, strict=True):
            browser = self._browser_of(posting)
            if browser.is_connected:
                browser.on_the_line.append((posting.client_id, outcome.seq))

    @rule()
    def die_before_the_commit(self) -> None:
        """The server is killed while it writes: nothing is there, nobody was told."""
        kept = {uuid: list(expected.entries) for uuid, expected in self.expected.items()}
        states = {uuid: (expected.is_closed, expected.waits) for uuid, expected in self.expected.items()}
        with transaction.atomic():
            self._store()
            transaction.set_rollback(True)
        self.expected = {uuid: self.expected[uuid] for uuid in kept}
        for uuid, entries in kept.items():
            self.expected[uuid].entries = entries
            self.expected[uuid].is_closed, self.expected[uuid].waits = states[uuid]
        self._all_lines_drop()

    @rule()
    def die_after_the_commit(self) -> None:
        """The server is killed when it had written and before it told anyone."""
        self._store()
        self._all_lines_drop()

    @rule(number=SHOPPERS)
    def drop(self, number: int) -> None:
        """One line breaks; what was on it is lost."""
        browser = self.browsers[number]
        browser.is_connected, browser.on_the_line = False, []

    @rule(number=SHOPPERS)
    def reconnect(self, number: int) -> None:
        """The window asks for what it lacks and sends again what nobody acknowledged."""
        browser = self.browsers[number]
        browser.is_connected = True
        conversation = browser.shopper.conversation
        belonging = chat.belonging(self.world.shop.id, browser.shopper.token_hash, conversation)
        ready = chat.ready(self.widget, belonging.conversation_id if belonging else None, after=browser.reached)
        for said in ready.messages:
            browser.show(said.seq, said.body)
        for client_id in browser.sent:
            if client_id not in browser.acknowledged:
                self._submit(browser, client_id)

    @rule(number=SHOPPERS)
    def hear(self, number: int) -> None:
        """What is on the line arrives."""
        browser = self.browsers[number]
        self._hear_acknowledgements(browser)
        if browser.is_connected:
            self._read(browser)

    @rule(number=SHOPPERS, seq=st.integers(1, 30))
    def read_up_to(self, number: int, seq: int) -> None:
        """The shopper says how far they have read, true or not."""
        with self.world.scope():
            found = Conversation.objects.filter(uuid=self.browsers[number].shopper.conversation).first()
            if found is not None:
                conversations.mark_read_by_customer(found.id, seq=seq, by=SYSTEM)

    @rule(number=SHOPPERS)
    def look(self, number: int) -> None:
        """Mia reads a conversation to its end."""
        uuid = self.browsers[number].shopper.conversation
        if uuid in self.expected:
            self.seen[uuid] = len(self.expected[uuid].entries)

    @precondition(lambda self: self.expected)
    @rule(which=st.integers(0, 2), twice=st.booleans())
    def answer(self, which: int, twice: bool) -> None:
        """Mia answers what she has seen; if there is more by now, she is stopped."""
        uuid, expected, conversation = self._one(which)
        seen, client_id = self.seen.get(uuid, 0), uuid4()
        newer = [said for said in expected.entries[seen:] if said.author == "customer"]
        with self.world.scope():
            try:
                for _time in range(1 + twice):
                    posted = conversations.reply(
                        conversation, body="Hei!", client_id=client_id, seen_seq=seen, by=self.world.by_mia
                    )
            except NewerMessages:
                assert newer
                return
        assert not newer
        expected.entries.append(Said(client_id, "Hei!", "agent"))
        expected.waits = False
        assert posted.seq == len(expected.entries)

    @precondition(lambda self: self.expected)
    @rule(which=st.integers(0, 2))
    def say_by_itself(self, which: int) -> None:
        """An automatic message: nobody is answered by it."""
        _uuid, expected, conversation = self._one(which)
        client_id = uuid4()
        with self.world.scope():
            conversations.post(conversation, body="Palaamme.", client_id=client_id, is_automatic=True, by=SYSTEM)
        expected.entries.append(Said(client_id, "Palaamme.", "system"))

    @precondition(lambda self: self.expected)
    @rule(which=st.integers(0, 2))
    def note(self, which: int) -> None:
        """A note has no number."""
        _uuid, expected, conversation = self._one(which)
        with self.world.scope():
            conversations.note(conversation, body="Soitetaan.", client_id=uuid4(), by=self.world.by_mia)
        expected.notes += 1

    @precondition(lambda self: self.expected)
    @rule(which=st.integers(0, 2), to_mia=st.booleans())
    def give(self, which: int, to_mia: bool) -> None:
        """Somebody has it, or nobody."""
        _uuid, expected, conversation = self._one(which)
        with self.world.scope():
            if to_mia:
                conversations.assign(conversation, to=self.world.mia, by=self.world.by_noor)
            else:
                conversations.unassign(conversation, by=self.world.by_noor)
        expected.assignee = self.world.mia.id if to_mia else None

    @precondition(lambda self: self.expected)
    @rule(which=st.integers(0, 2))
    def close_or_reopen(self, which: int) -> None:
        """Both are tried; the one that makes no sense is refused."""
        _uuid, expected, conversation = self._one(which)
        wrong, error = (conversations.close, AlreadyClosed) if expected.is_closed else (conversations.reopen, NotClosed)
        right = conversations.reopen if expected.is_closed else conversations.close
        with self.world.scope():
            with pytest.raises(error):
                wrong(conversation, by=self.world.by_mia)
            right(conversation, by=self.world.by_mia)
        expected.is_closed = not expected.is_closed
        expected.waits = expected.waits and not expected.is_closed

    @precondition(lambda self: len(self.expected) > 1)
    @rule(gone=st.integers(0, 2), into=st.integers(0, 2))
    def merge(self, gone: int, into: int) -> None:
        """Two shoppers turn out to be one; their conversations and browsers go on as they were."""
        one, other = (self._one(which)[2].customer for which in (gone, into))
        if one == other:
            return
        with self.world.scope():
            try:
                self.merges.append(customers.merge(one, into=other, by=self.world.by_mia))
            except MergedAlready:
                assert self.merges

    @precondition(lambda self: self.merges)
    @rule()
    def unmerge(self) -> None:
        """The last merge was a mistake."""
        with self.world.scope():
            customers.unmerge(self.merges.pop(), by=self.world.by_mia)

    @invariant()
    def what_changed_is_as_the_model_says(self) -> None:
        """Every number once, no hole, and the row in step (I2, I3)."""
        touched, self.touched = self.touched, set()
        for uuid in touched:
            expected = self.expected.get(uuid)
            found = Conversation.unscoped.filter(uuid=uuid).first()
            if expected is None:
                assert found is None
                continue
            assert found is not None
            self._agrees(expected, found)

    def _agrees(self, expected: Expected, found: Conversation) -> None:
        entries = [(number, said.client_id, said.body) for number, said in enumerate(expected.entries, 1)]
        stored = Message.unscoped.filter(conversation=found).order_by("seq").values_list("seq", "client_id", "body")
        assert list(stored) == entries
        told = Fact.objects.filter(name=MessagePosted.name, subject=f"conversation-{found.id}").order_by("id")
        assert [data["seq"] for data in told.values_list("data", flat=True)] == [seq for seq, *_rest in entries]
        assert (found.last_seq, found.assignee_id) == (len(entries), expected.assignee)
        assert (found.closed_at is not None, found.waiting_since is not None) == (expected.is_closed, expected.waits)
        assert Note.unscoped.filter(conversation=found).count() == expected.notes

    def _everything_arrived(self, browser: Browser) -> None:
        """Nothing lost, nothing twice, nothing missing in the window (I1, I2, I4)."""
        expected = self.expected.get(browser.shopper.conversation, Expected())
        own = [said.client_id for said in expected.entries if said.author == "customer"]
        assert sorted(own) == sorted(browser.sent)
        assert browser.acknowledged.keys() == browser.sent.keys()
        assert [said.body for said in expected.entries] == [browser.shows[seq] for seq in sorted(browser.shows)]
        assert browser.reached == len(expected.entries)

    def _submit(self, browser: Browser, client_id: UUID) -> None:
        if browser.is_connected:
            self.arrived.append(browser.shopper.says(browser.sent[client_id], client_id=client_id))

    def _store(self) -> tuple[list[Posting], list[Posted]]:
        arrived, self.arrived = self.arrived, []
        outcomes = []
        for posting, outcome in zip(arrived, conversations.post_many(arrived), strict=True):
            assert isinstance(outcome, Posted)
            self._expect(posting, outcome)
            outcomes.append(outcome)
        return arrived, outcomes

    def _expect(self, posting: Posting, outcome: Posted) -> None:
        uuid = self._browser_of(posting).shopper.conversation
        expected = self.expected.setdefault(uuid, Expected())
        self.touched.add(uuid)
        known = [said.client_id for said in expected.entries]
        if posting.client_id not in known:
            expected.entries.append(Said(posting.client_id, posting.body, "customer"))
            known.append(posting.client_id)
            expected.is_closed, expected.waits = False, True
        assert outcome.seq == known.index(posting.client_id) + 1

    def _browser_of(self, posting: Posting) -> Browser:
        return next(
            browser
            for browser in self.browsers
            if posting.visitor and browser.shopper.conversation == posting.visitor.conversation
        )

    def _one(self, which: int) -> tuple[UUID, Expected, Conversation]:
        uuid = list(self.expected)[which % len(self.expected)]
        self.touched.add(uuid)
        return uuid, self.expected[uuid], Conversation.unscoped.get(uuid=uuid)

    def _all_lines_drop(self) -> None:
        self.arrived = []
        for number in range(len(self.browsers)):
            self.drop(number)

    def _hear_acknowledgements(self, browser: Browser) -> None:
        for client_id, seq in browser.on_the_line:
            assert browser.acknowledged.setdefault(client_id, seq) == seq
            browser.show(seq, browser.sent[client_id])
        browser.on_the_line = []

    def _read(self, browser: Browser) -> None:
        found = chat.belonging(self.world.shop.id, browser.shopper.token_hash, browser.shopper.conversation)
        if found is None:
            return
        for said in chat.missed(self.widget.key, self.world.shop.id, found.conversation_id, browser.reached):
            browser.show(said.seq, said.body)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("examples", "steps"),
    [
        pytest.param(30, 40, marks=pytest.mark.timeout(300)),
        pytest.param(600, 80, marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
    ],
)
def test_f41_in_every_order_nothing_acknowledged_is_lost_doubled_or_out_of_place(examples: int, steps: int) -> None:
    class InThisShop(AnyOrder):
        world = tea_shop()

    careful = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=HEALTHY, database=None
    )
    run_state_machine_as_test(InThisShop, settings=careful)
