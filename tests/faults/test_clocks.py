"""F35, F36: wall clocks that jump, summer time, leap days, 2038, and a machine that has been up for ten days more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import pytest
import time_machine
from django.db import transaction

from tiski.channels.email import actions as mail
from tiski.channels.email.models import MailboxCursor
from tiski.conversations import actions as conversations
from tiski.conversations import queries
from tiski.conversations.actions import Posted
from tiski.conversations.models import Conversation, Message, OutboxItem
from tiski.kernel import tokens, upkeep
from tiski.kernel.events import delivering, ticking
from tiski.kernel.events.event import schedules
from tiski.kernel.models import Delivery, Fact
from tiski.testing.ledger import Verdict
from tiski.testing.letterbox import Post
from tiski.testing.needs import Missing, program
from tiski.testing.ports import wait_until
from tiski.testing.premises import Premises
from tiski.testing.shoppers import Crowd
from tiski.testing.world import Shopper

pytestmark = pytest.mark.timeout(180)

NOON = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TEN_DAYS = 864_000
MOMENTS = {
    "the night winter time begins": datetime(2026, 10, 25, 0, 59, 58, tzinfo=UTC),
    "the night summer time begins": datetime(2027, 3, 28, 0, 59, 58, tzinfo=UTC),
    "a leap day": datetime(2028, 2, 28, 21, 59, 58, tzinfo=UTC),
    "the end of a leap year": datetime(2028, 12, 30, 23, 59, 58, tzinfo=UTC),
    "2038": datetime(2038, 1, 19, 3, 14, 6, tzinfo=UTC),
}


@pytest.mark.both
def test_f35_a_wall_clock_that_jumps_back_an_hour_and_ahead_two_days_moves_no_message_and_drops_no_line(
    shop: Premises, tmp_path: Path, record: Callable[..., None]
) -> None:
    wall = tmp_path / "wall"
    wall.write_text("+0")
    faked = {
        "LD_PRELOAD": str(_fake_time()), "FAKETIME_TIMESTAMP_FILE": str(wall), "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_NO_CACHE": "1", "TZ": "UTC",
    }  # fmt: skip
    with shop.process(environment=faked) as tiski, Crowd(tiski.address, tmp_path, count=8, pause=0.1) as crowd:
        crowd.wait_until_open()
        crowd.wait_for(40)
        times = []
        for jump in ("-1h", "+2d", "+0"):
            wall.write_text(jump)
            crowd.wait_for(60)
            times.append(_written_last(shop))
        crowd.settle()
        assert crowd.judge(shop.data, shop.database_url) == Verdict()
        lines = sum(visitor.connects for visitor in crowd.visitors)
        # The clock of the product did jump, and nobody noticed.
        assert times[1] - times[0] > 2 * DAY
        assert times[1] - times[2] > DAY
        assert lines == len(crowd.visitors)
        wait_until(tiski.is_ready, "still ready to serve")
        record(acknowledged=crowd.acknowledged, lines_dropped=lines - len(crowd.visitors))


@pytest.mark.both
def test_f36_a_machine_whose_monotonic_clock_is_ten_days_ahead_serves_as_any_other(
    shop: Premises, tmp_path: Path, as_root: None
) -> None:
    within = [str(program("unshare")), "--time", "--monotonic", str(TEN_DAYS), "--fork", "--kill-child"]
    with shop.process(within=within) as tiski, Crowd(tiski.address, tmp_path, count=4, pause=0.05) as crowd:
        assert str(TEN_DAYS) in Path(f"/proc/{tiski.pid}/timens_offsets").read_text()
        crowd.wait_until_open()
        crowd.wait_for(60)
        crowd.settle()
        assert crowd.judge(shop.data, shop.database_url) == Verdict()
        assert {visitor.connects for visitor in crowd.visitors} == {1}


@pytest.mark.django_db
@pytest.mark.parametrize("moment", MOMENTS.values(), ids=list(MOMENTS))
def test_f35_over_this_moment_messages_keep_their_order_and_timers_their_length(post: Post, moment: datetime) -> None:
    world, ada = post.world, Shopper(post.world)
    post.set(imap=None, acknowledges=False)
    with time_machine.travel(moment, tick=False) as clock:
        for number in range(6):
            [posted] = conversations.post_many([ada.says(f"viesti {number}")])
            assert isinstance(posted, Posted)
            clock.shift(timedelta(seconds=1))
        asked = post.receive(post.mail())
        item = _held(post, asked.conversation)
        assert item.send_after == moment + timedelta(seconds=16)
        clock.shift(timedelta(seconds=9))
        assert delivering.claim("worker") is not None
        item.refresh_from_db()
        assert item.state == "held"
        token = tokens.sign("reset", "mia", HOUR, shop=0)
        clock.shift(HOUR - timedelta(seconds=1))
        assert tokens.verify("reset", token, shop=0) == "mia"
        clock.shift(timedelta(seconds=1))
        with pytest.raises(tokens.BadToken):
            tokens.verify("reset", token, shop=0)
        with world.scope():
            conversation = Conversation.objects.get(uuid=ada.conversation)
            said = [(entry.seq, entry.text, entry.at) for entry in queries.thread(conversation)]
            assert conversation.waiting_since == moment
            assert [row.id for row in queries.inbox(world.shop, world.mia, "open").rows][-1] == conversation.id
    assert said == [(number + 1, f"viesti {number}", moment + timedelta(seconds=number)) for number in range(6)]


@pytest.mark.django_db
def test_f35_what_is_written_while_the_clock_is_wrong_is_neither_lost_nor_out_of_order(post: Post) -> None:
    world, ada = post.world, Shopper(post.world)
    with time_machine.travel(NOON, tick=False) as clock, world.scope():
        conversations.post_many([ada.says("ennen")])
        conversation = Conversation.objects.get(uuid=ada.conversation)
        seen = {entry.dom_id for entry in queries.thread(conversation)}
        clock.move_to(NOON - HOUR)
        conversations.note(conversation, body="muistiin", client_id=uuid4(), by=world.by_mia)
        conversations.close(conversation, by=world.by_mia)
        # What a page asks for that has seen the message: the note and the closing are among it.
        asked = {entry.dom_id for entry in queries.thread(conversation, after=1)}
        assert {entry.dom_id for entry in queries.thread(conversation)} - seen == asked
        conversations.reply(conversation, body="tunti takaisin", client_id=uuid4(), seen_seq=1, by=world.by_mia)
        clock.move_to(NOON + 2 * DAY)
        conversations.post_many([ada.says("kaksi päivää eteen")])
        clock.move_to(NOON)
        conversations.post_many([ada.says("taas oikein")])
        conversation.refresh_from_db()
        assert [entry.text for entry in queries.thread(conversation) if entry.seq] == [
            "ennen", "tunti takaisin", "kaksi päivää eteen", "taas oikein",
        ]  # fmt: skip
        assert conversation.last_message_at == NOON + 2 * DAY
        assert list(Message.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2, 3, 4]


@pytest.mark.django_db
def test_f35_a_used_token_stays_used_when_the_clock_was_two_days_ahead_for_a_while() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        token = tokens.sign("reset", "mia", HOUR, shop=0)
        with transaction.atomic():
            tokens.spend(token)
        clock.move_to(NOON + 2 * DAY)
        upkeep.throw_away_what_has_expired()
        with pytest.raises(tokens.BadToken):
            tokens.verify("reset", token, shop=0)
        clock.move_to(NOON + timedelta(minutes=1))
        with pytest.raises(tokens.BadToken), transaction.atomic():
            tokens.spend(token)


@pytest.mark.django_db
def test_f35_leases_of_a_dead_worker_do_not_last_an_hour_longer_when_the_clock_goes_back_an_hour(post: Post) -> None:
    post.set(imap=None, acknowledges=False)
    with time_machine.travel(NOON - 2 * HOUR, tick=False) as clock:
        item = _held(post, post.receive(post.mail()).conversation, undo_seconds=0)
        clock.move_to(NOON)
        with post.world.scope():
            assert mail.hold(post.account, "killed") is not None
        assert len(delivering.claim("killed")) > 0
        assert len(conversations.claim_due(1, "killed", item_id=item.id)) == 1
        clock.move_to(NOON - HOUR)
        with post.world.scope():
            assert mail.hold(post.account, "next") is not None
        assert Delivery.objects.filter(lease_owner="killed").count() == len(delivering.claim("next"))
        [again] = conversations.claim_due(1, "next", item_id=item.id)
        assert (again.stable_id, again.fence) == (item.stable_id, 2)
    assert MailboxCursor.unscoped.get().owner == "next"


@pytest.mark.django_db
def test_f35_schedules_tick_once_for_each_slot_whatever_the_clock_does() -> None:
    known: dict[str, int] = {}
    with time_machine.travel(NOON, tick=False) as clock:
        for moment in (NOON, NOON - HOUR, NOON + 2 * DAY, NOON, NOON + DAY):
            clock.move_to(moment)
            ticking.ensure_ticks(known)
            ticking.ensure_ticks({})
    keys = [key or "" for key in Fact.objects.filter(key__startswith="tick:").values_list("key", flat=True)]
    assert len(keys) == len(set(keys))
    days = [name for name, schedule in schedules.items() if schedule.every == DAY]
    for name in days:
        slots = sorted(int(key.rpartition(":")[2]) for key in keys if key.startswith(f"tick:{name}:"))
        assert slots == [NOON.toordinal() - datetime(1970, 1, 1, tzinfo=UTC).toordinal() + day for day in (1, 2, 3)]


def _fake_time() -> Path:
    """The library that gives a process another wall clock; found without importing its package, which would use it."""
    found = find_spec("libfaketime")
    if found is None or found.origin is None:
        raise Missing("libfaketime is missing. Install it: scripts/install test")
    return Path(found.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"


def _held(post: Post, conversation: Conversation | None, *, undo_seconds: int = 10) -> OutboxItem:
    """Mia's answer, which is held for a moment."""
    assert conversation is not None
    with post.world.scope():
        posted = conversations.reply(
            conversation, body="Hei!", client_id=uuid4(), seen_seq=9, undo_seconds=undo_seconds, by=post.world.by_mia
        )
        return OutboxItem.objects.get(message_id=posted.message_id)


def _written_last(shop: Premises) -> datetime:
    """The time on the newest message, as the product saw it."""
    [(at,)] = shop.rows("SELECT created_at FROM conversations_message ORDER BY id DESC LIMIT 1")
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    return moment.replace(tzinfo=moment.tzinfo or UTC)
