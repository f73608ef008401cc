"""Answers, notes, drafts, taking back, trying again, closing and assigning."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from tiski.conversations import actions as conversations
from tiski.conversations.contract import Outgoing
from tiski.conversations.models import Conversation, Draft, Message, Note, OutboxItem, ReadMark
from tiski.testing.world import World

from .conftest import PARTIAL, asked


def send(client: Client, conversation: Conversation, body: str, **fields: str) -> Any:
    """Post the composer."""
    given = {"mode": "reply", "body": body, "client_id": str(uuid4()), "seen_seq": "1"} | fields
    return client.post(f"/teepuoti/conversations/{conversation.id}/sending/", given, headers=PARTIAL)


def save_draft(client: Client, conversation: Conversation, body: str, version: int, mode: str = "reply") -> Any:
    """Save the draft of a mode."""
    given = {"mode": mode, "body": body, "version": str(version)}
    return client.post(f"/teepuoti/conversations/{conversation.id}/draft/", given, headers=PARTIAL)


def page_of(client: Client, conversation: Conversation) -> str:
    """The open conversation."""
    return client.get(f"/teepuoti/inbox/open/conversations/{conversation.id}/").content.decode()


def test_an_answer_comes_back_as_its_entry(mia: Client, ada: Conversation) -> None:
    number = str(uuid4())
    answer = send(mia, ada, "Huomenna.", client_id=number)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert f'id="message-{number}"' in text
    assert 'data-seq="2"' in text
    assert 'data-state="sending"' in text


def test_an_answer_sent_twice_is_one(mia: Client, ada: Conversation) -> None:
    number = str(uuid4())
    for _try in range(2):
        assert send(mia, ada, "Huomenna.", client_id=number).status_code == 200
    assert Message.unscoped.filter(author_kind="agent").count() == 1


@pytest.mark.parametrize(("mode", "kind"), [("reply", "message"), ("note", "note")])
def test_f25_what_is_sent_again_after_a_page_of_others_comes_back_as_its_entry(
    mode: str, kind: str, world: World, mia: Client, ada: Conversation
) -> None:
    number = str(uuid4())
    assert send(mia, ada, "Huomenna.", mode=mode, client_id=number).status_code == 200
    for count in range(60):
        asked(world, ada, f"Kysymys {count}.")
    again = send(mia, ada, "Huomenna.", mode=mode, client_id=number)
    assert again.status_code == 200
    assert f'id="{kind}-{number}"' in again.content.decode()
    assert Message.unscoped.filter(author_kind="agent").count() + Note.unscoped.count() == 1


def test_an_answer_to_something_older_is_a_collision(world: World, mia: Client, ada: Conversation) -> None:
    asked(world, ada, "Ei enää tarvitse.")
    answer = send(mia, ada, "Huomenna.")
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "Ei enää tarvitse." in text
    assert 'data-seen="2"' in text
    assert 'name="anyway"' in text
    assert Message.unscoped.filter(author_kind="agent").count() == 0
    assert send(mia, ada, "Huomenna.", anyway="1").status_code == 200
    assert Message.unscoped.filter(author_kind="agent").count() == 1


@pytest.mark.parametrize("mode", ["reply", "note"])
def test_an_empty_text_is_refused_with_the_reason(mode: str, mia: Client, ada: Conversation) -> None:
    answer = send(mia, ada, "  ", mode=mode)
    assert answer.status_code == 422
    assert "The message is empty." in answer.content.decode()


@pytest.mark.parametrize("fields", [{"client_id": "7"}, {"mode": "spell"}])
def test_a_broken_form_is_refused(fields: dict[str, str], mia: Client, ada: Conversation) -> None:
    assert send(mia, ada, "Huomenna.", **fields).status_code == 422
    assert Message.unscoped.count() == 1


def test_a_note_stays_inside(mia: Client, ada: Conversation) -> None:
    answer = send(mia, ada, "Kanta-asiakas.", mode="note")
    assert 'data-kind="note"' in answer.content.decode()
    assert Note.unscoped.get().body == "Kanta-asiakas."
    assert OutboxItem.unscoped.count() == 0


def test_each_mode_has_a_draft_and_a_version_of_its_own(mia: Client, ada: Conversation) -> None:
    assert save_draft(mia, ada, "Vastaus", 0)["Draft-Version"] == "1"
    assert save_draft(mia, ada, "Vastaus kesken", 1)["Draft-Version"] == "2"
    assert save_draft(mia, ada, "Muistiin", 0, "note")["Draft-Version"] == "1"
    text = page_of(mia, ada)
    assert 'data-version="2" data-note-version="1"' in text
    assert ">Vastaus kesken</textarea>" in text
    assert ">Muistiin</textarea>" in text
    assert "conversation-row-draft" in text


def test_a_draft_that_moved_says_where_it_is_now(mia: Client, ada: Conversation) -> None:
    save_draft(mia, ada, "Puhelimella", 0)
    answer = save_draft(mia, ada, "Koneella", 0)
    assert (answer.status_code, answer["Draft-Version"]) == (409, "1")
    assert Draft.unscoped.get().body == "Puhelimella"


def test_sending_ends_the_draft_and_tells_its_version(mia: Client, ada: Conversation) -> None:
    save_draft(mia, ada, "Huomenna.", 0)
    answer = send(mia, ada, "Huomenna.")
    assert answer["Draft-Version"] == "2"
    assert save_draft(mia, ada, "Ja vielä", 2).status_code == 204


def test_a_held_answer_is_taken_back_by_its_author_alone(
    world: World, mia: Client, noor: Client, ada: Conversation
) -> None:
    text = send(mia, ada, "Huomenna.").content.decode()
    message = Message.unscoped.get(author_kind="agent")
    address = f"/teepuoti/conversations/{ada.id}/messages/{message.id}/withdrawal/"
    assert f'hx-post="{address}"' in text
    assert "tiski-countdown data-until=" in text
    assert address not in page_of(noor, ada)
    assert noor.post(address, headers=PARTIAL).status_code == 403
    answer = mia.post(address, headers=PARTIAL)
    assert (answer.status_code, answer["HX-Retarget"]) == (200, f"#composer-{ada.id} .composer-files")
    assert answer["Draft-Version"] == str(Draft.unscoped.get(body="Huomenna.").version)
    assert "took a message back" in page_of(mia, ada)
    assert mia.post(address, headers=PARTIAL).status_code == 409


def test_a_failed_answer_shows_why_and_is_sent_again(world: World, mia: Client, ada: Conversation) -> None:
    send(mia, ada, "Huomenna.")
    OutboxItem.unscoped.update(send_after=ada.opened_at)
    outgoing = conversations.claim_due(10, "test")[0]
    refuse(world, outgoing)
    text = page_of(mia, ada)
    retry = f"/teepuoti/conversations/{ada.id}/outbox/{outgoing.item_id}/retry/"
    assert "550 no such mailbox" in text
    assert f'hx-post="{retry}"' in text
    assert mia.post(retry, headers=PARTIAL).status_code == 204
    assert OutboxItem.unscoped.get().state == "queued"
    assert mia.post(retry, headers=PARTIAL).status_code == 409


def refuse(world: World, outgoing: Outgoing) -> None:
    """The other side does not take it."""
    with world.scope():
        conversations.record_failed(outgoing, permanent=True, reason="550 no such mailbox")


def test_the_read_mark_moves(world: World, mia: Client, ada: Conversation) -> None:
    answer = mia.post(f"/teepuoti/conversations/{ada.id}/read-mark/", {"seq": "1"})
    assert answer.status_code == 204
    assert ReadMark.unscoped.get(agent=world.mia).seq == 1


def test_closing_offers_to_take_it_back(mia: Client, ada: Conversation) -> None:
    address = f"/teepuoti/conversations/{ada.id}/closure/"
    answer = mia.post(address, headers=PARTIAL)
    assert answer.status_code == 200
    assert f'hx-delete="{address}"' in answer.content.decode()
    assert Conversation.unscoped.get(id=ada.id).closed_at is not None
    assert mia.post(address, headers=PARTIAL).status_code == 409
    assert mia.delete(address, headers=PARTIAL).status_code == 204
    assert Conversation.unscoped.get(id=ada.id).closed_at is None


def test_a_conversation_is_given_only_to_those_who_answer(
    world: World, kahvila: World, mia: Client, ada: Conversation
) -> None:
    address = f"/teepuoti/conversations/{ada.id}/assignment/"
    assert mia.post(address, {"agent": world.noor.pk}, headers=PARTIAL).status_code == 204
    assert Conversation.unscoped.get(id=ada.id).assignee_id == world.noor.pk
    for stranger in (str(world.ville.pk), str(kahvila.mia.pk), "999", "noor", ""):
        assert mia.post(address, {"agent": stranger}, headers=PARTIAL).status_code == 422
    assert mia.delete(address, headers=PARTIAL).status_code == 204
    assert Conversation.unscoped.get(id=ada.id).assignee_id is None


def test_without_scripts_assigning_leads_back_to_the_conversation(world: World, mia: Client, ada: Conversation) -> None:
    answer = mia.post(f"/teepuoti/conversations/{ada.id}/assignment/", {"agent": world.mia.pk})
    assert answer["Location"] == f"/teepuoti/inbox/open/conversations/{ada.id}/"
