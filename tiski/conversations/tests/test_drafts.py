"""Drafts: one per conversation, agent and mode, told apart by version."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tiski.conversations import actions as conversations
from tiski.conversations.errors import DraftMoved, MayNotAnswer, MessageTooLong
from tiski.conversations.models import Conversation, Draft
from tiski.kernel.errors import NotAllowed
from tiski.testing.world import World

Facts = Callable[[], list[tuple[str, dict[str, object]]]]


@pytest.fixture
def conversation(world: World) -> Conversation:
    """A conversation with Ada."""
    return world.conversation_with_ada()


def test_each_save_follows_the_one_before(world: World, conversation: Conversation) -> None:
    with world.scope():
        version = 0
        for text in ("H", "He", "Hei"):
            version = conversations.save_draft(
                conversation, mode="reply", body=text, files=["f" * 32], version=version, by=world.by_mia
            )
        draft = Draft.objects.get()
        assert (draft.body, draft.files, draft.version, version) == ("Hei", ["f" * 32], 3, 3)


def test_only_beginning_and_ending_a_draft_is_told_and_only_to_its_writer(
    world: World, conversation: Conversation, facts: Facts
) -> None:
    facts()
    with world.scope():
        version = conversations.save_draft(conversation, mode="reply", body="H", version=0, by=world.by_mia)
        conversations.save_draft(conversation, mode="reply", body="He", version=version, by=world.by_mia)
        conversations.discard_draft(conversation, mode="reply", by=world.by_mia)
    about = {"conversation": conversation.id, "agent": world.mia.id, "mode": "reply"}
    assert facts() == [
        ("conversations.draft_saved", {**about, "is_there": True}),
        ("conversations.draft_saved", {**about, "is_there": False}),
    ]


def test_an_old_save_overwrites_nothing(world: World, conversation: Conversation) -> None:
    with world.scope():
        conversations.save_draft(conversation, mode="reply", body="puhelimella", version=0, by=world.by_mia)
        with pytest.raises(DraftMoved):
            conversations.save_draft(conversation, mode="reply", body="koneella", version=0, by=world.by_mia)
        assert Draft.objects.get().body == "puhelimella"


def test_a_save_that_comes_after_discarding_revives_nothing(world: World, conversation: Conversation) -> None:
    with world.scope():
        conversations.discard_draft(conversation, mode="reply", by=world.by_mia)
        with pytest.raises(DraftMoved):
            conversations.save_draft(conversation, mode="reply", body="myöhässä", version=0, by=world.by_mia)
        assert Draft.objects.get().body == ""


def test_replies_notes_and_colleagues_have_drafts_of_their_own(world: World, conversation: Conversation) -> None:
    with world.scope():
        for mode, by in (("reply", world.by_mia), ("note", world.by_mia), ("reply", world.by_noor)):
            conversations.save_draft(conversation, mode=mode, body=f"{mode} {by.name}", version=0, by=by)
        bodies = set(Draft.objects.values_list("body", flat=True))
    assert bodies == {"reply Mia Mäkinen", "note Mia Mäkinen", "reply Noor Haddad"}


def test_a_draft_is_refused_when_it_is_too_long_of_no_mode_or_by_a_reader(
    world: World, conversation: Conversation
) -> None:
    with world.scope():
        with pytest.raises(MessageTooLong):
            conversations.save_draft(conversation, mode="reply", body="a" * 100_001, version=0, by=world.by_mia)
        with pytest.raises(NotAllowed):
            conversations.save_draft(conversation, mode="poem", body="a", version=0, by=world.by_mia)
        with pytest.raises(MayNotAnswer):
            conversations.save_draft(conversation, mode="reply", body="a", version=0, by=world.by_ville)
        assert Draft.objects.count() == 0
