"""What conversations plug in: live topics for members only, and channels by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tiski.conversations import actions as conversations
from tiski.conversations.contract import Ability, channel_for, channels, register_channel
from tiski.kernel import live
from tiski.kernel.events import stream
from tiski.kernel.live.topics import Topics
from tiski.testing.world import World

if TYPE_CHECKING:
    from tiski.conversations.tests.conftest import Counter, Letterbox


def watched(principal: live.Principal, *topics: str) -> set[str]:
    """Those of the topics the principal may watch."""
    registry: Topics = live.hub.topics
    return registry.allowed(principal, topics)


def test_a33_members_watch_their_shop_and_nobody_else_does(world: World, other_shop: World) -> None:
    conversation = world.conversation_with_ada()
    topics = ("inbox", f"conversation-{conversation.id}", "conversation-999", "conversation", "inbox-1", "*")
    mine = {"inbox", f"conversation-{conversation.id}"}
    for agent in (world.mia, world.ville):
        assert watched(live.Principal(id=f"agent-{agent.id}", shop_id=world.shop.id), *topics) == mine
    stranger = live.Principal(id=f"agent-{other_shop.mia.id}", shop_id=world.shop.id)
    assert watched(stranger, *topics) == set()
    at_home = live.Principal(id=f"agent-{other_shop.mia.id}", shop_id=other_shop.shop.id)
    assert watched(at_home, *topics) == {"inbox"}
    visitor = live.Principal(id="visitor-9", shop_id=world.shop.id)
    assert watched(visitor, *topics) == set()


def test_the_customers_panel_is_watched_by_members(world: World, other_shop: World) -> None:
    ada = world.ada()
    mia = live.Principal(id=f"agent-{world.mia.id}", shop_id=world.shop.id)
    sara = live.Principal(id=f"agent-{other_shop.mia.id}", shop_id=other_shop.shop.id)
    visitor = live.Principal(id="visitor-9", shop_id=world.shop.id)
    topic = f"customer-{ada.id}"
    assert [watched(who, topic) for who in (mia, sara, visitor)] == [{topic}, set(), set()]


def test_news_of_a_conversation_reaches_the_inbox_with_its_id() -> None:
    assert live.hub.topics.told_by("conversation-7") == [("conversation-7", None), ("inbox", 7)]


def test_news_says_which_entry_is_new_and_whether_more_than_words_were_added(
    world: World, letterbox: Letterbox
) -> None:
    with world.scope():
        mail = world.conversation_with_ada(world.way_in("letters"))
        conversations.reply(mail, body="Hei", client_id=uuid4(), seen_seq=0, by=world.by_mia)
        conversations.close(mail, by=world.by_mia)
    stream.publish()
    told = {
        (fact.name, topic): (key, live.hub.topics.turns(fact))
        for fact in stream.after(0, 50)
        for topic, key in live.hub.topics.told(fact)
    }
    here = f"conversation-{mail.id}"
    assert told["conversations.message_posted", here] == (1, False)
    assert told["conversations.message_posted", "inbox"] == (mail.id, False)
    assert told["conversations.closed", here] == (None, True)
    assert told["conversations.closed", "inbox"] == (mail.id, True)
    assert told["conversations.read_mark_moved", f"agent-{world.mia.id}"] == (mail.id, False)


def test_a_kind_of_channel_is_registered_once(counter: Counter) -> None:
    class Impostor:
        kind = "counter"
        name = "Impostor"
        can: frozenset[Ability] = frozenset()
        longest_body = 1

        def __getattr__(self, name: str) -> object:
            raise AttributeError(name)

    assert channel_for("counter") is counter
    assert counter in channels()
    register_channel(counter)
    with pytest.raises(ValueError, match="counter"):
        register_channel(Impostor())  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="pigeon"):
        channel_for("pigeon")
