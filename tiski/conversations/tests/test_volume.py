"""The bulk generator writes what the actions would have written, as far as screens can tell."""

from __future__ import annotations

from django.db.models import F, Max

from tiski.conversations import actions as conversations
from tiski.conversations import queries
from tiski.conversations.actions import Posted, Posting
from tiski.conversations.models import Closure, Conversation, Message, ReadMark
from tiski.kernel.ids import uuid7
from tiski.testing.volume import fill
from tiski.testing.world import World


def test_a_filled_shop_is_consistent_and_goes_on(world: World) -> None:
    account = world.way_in("counter")
    filled = fill(world.shop, agents=[world.mia.id, world.noor.id], account_id=account.id, conversations=300)
    assert (filled.conversations, Conversation.unscoped.count()) == (300, 300)
    assert Message.unscoped.count() == filled.messages
    ends = Conversation.unscoped.annotate(highest=Max("messages__seq")).filter(last_seq=F("highest"))
    assert ends.filter(last_message__seq=F("last_seq")).count() == 300
    assert Closure.unscoped.count() == Conversation.unscoped.filter(closed_at__isnull=False).count()
    assert not ReadMark.unscoped.filter(seq__gt=F("conversation__last_seq")).exists()
    with world.scope():
        page = queries.inbox(world.shop, world.mia, "closed")
        newest = Conversation.objects.get(id=page.rows[0].id)
        assert len(queries.thread(newest)) == min(newest.last_seq, 50) + 1
        posting = Posting(
            shop_id=world.shop.id, conversation_id=newest.id, client_id=uuid7(), body="Hei!", author=world.by_mia
        )
        [outcome] = conversations.post_many([posting])
    assert isinstance(outcome, Posted)
    assert outcome.seq == newest.last_seq + 1
