"""Pages for a browser that arrives, fragments for htmx that asks, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tiski.accounts.models import Agent
from tiski.conversations import actions as conversations
from tiski.conversations.models import Conversation, Message
from tiski.testing.world import Shopper, World

from .conftest import PARTIAL, asked


def open_ada(ada: Conversation, view: str = "open") -> str:
    """The address of her conversation."""
    return f"/teepuoti/inbox/{view}/conversations/{ada.id}/"


def test_the_inbox_is_a_page_with_its_rows(mia: Client, ada: Conversation) -> None:
    text = mia.get("/teepuoti/inbox/open/").content.decode()
    assert text.count("<h1") == 1
    assert f'id="conversation-{ada.id}"' in text
    assert "<title>Open – Teepuoti – Tiski</title>" in text
    assert 'data-url="/teepuoti/inbox/open/?rows=first"' in text


def test_b4_the_inbox_asks_seven_queries(mia: Client, ada: Conversation, django_assert_num_queries: Any) -> None:
    mia.get("/teepuoti/inbox/open/")  # the first one notes the browser in its session
    with django_assert_num_queries(7):
        mia.get("/teepuoti/inbox/open/")


def test_b5_a_conversation_asks_fourteen_queries(world: World, mia: Client, django_assert_num_queries: Any) -> None:
    posted = conversations.post_many([Shopper(world).says("Hei!")])[0]
    address = f"/teepuoti/inbox/open/conversations/{posted.conversation_id}/"  # type: ignore[union-attr]
    mia.get(address, headers=PARTIAL)
    with django_assert_num_queries(14):
        mia.get(address, headers=PARTIAL)


def test_a_conversation_is_offered_to_agents_by_their_own_ids(world: World, mia: Client, ada: Conversation) -> None:
    text = mia.get(open_ada(ada), headers=PARTIAL).content.decode()
    offered = re.findall(r'name="agent" value="(\d+)".*?data-shown="([^"]+)"', text)
    assert offered == [(str(world.noor.id), "Noor Haddad"), (str(world.mia.id), "Mia Mäkinen")]


def test_htmx_gets_the_pane_alone_with_its_title(mia: Client, ada: Conversation) -> None:
    page, pane = mia.get(open_ada(ada)), mia.get(open_ada(ada), headers=PARTIAL)
    assert "<html" in page.content.decode()
    assert "<html" not in pane.content.decode()
    for answer in (page, pane):
        text = answer.content.decode()
        assert text.count("<title>Ada Virtanen – Open – Teepuoti – Tiski</title>") == 1
        assert "Milloin senchaa tulee lisää?" in text
        assert answer["Vary"].startswith("HX-Request-Type")
        assert "no-store" in answer["Cache-Control"]


def test_a_restored_history_entry_gets_the_page(mia: Client, ada: Conversation) -> None:
    answer = mia.get(open_ada(ada), headers=PARTIAL | {"hx-history-restore-request": "true"})
    assert "<html" in answer.content.decode()


def test_the_first_rows_come_alone(mia: Client, ada: Conversation) -> None:
    text = mia.get("/teepuoti/inbox/open/?rows=first", headers=PARTIAL).content.decode()
    assert re.findall(r'<li class="conversation-row[^"]*" id="([^"]+)"', text) == [f"conversation-{ada.id}"]
    assert "<main" not in text


def test_a_row_that_left_the_view_is_gone(world: World, mia: Client, ada: Conversation) -> None:
    row = f"{open_ada(ada)}row/"
    assert "conversation-row--unread" in mia.get(row, headers=PARTIAL).content.decode()
    with world.scope():
        conversations.close(ada, by=world.by_mia)
    assert mia.get(row, headers=PARTIAL).status_code == 204
    assert mia.get(f"{open_ada(ada, 'closed')}row/", headers=PARTIAL).status_code == 200


@pytest.mark.parametrize("path", ["", "?rows=first", "conversations/{id}/", "conversations/{id}/row/"])
def test_a_view_that_does_not_exist_is_not_found(path: str, mia: Client, ada: Conversation) -> None:
    for headers in ({}, PARTIAL):
        assert mia.get(f"/teepuoti/inbox/spam/{path.format(id=ada.id)}", headers=headers).status_code == 404


def test_the_navigation_counts(world: World, mia: Client, ada: Conversation) -> None:
    with world.scope():
        conversations.assign(ada, to=world.mia, by=world.by_mia)
    text = mia.get("/teepuoti/inbox/navigation/?view=mine", headers=PARTIAL).content.decode()
    assert re.findall(r'class="count">(\d+)', text) == ["1", "1"]
    assert re.findall(r'aria-current="page".*?nav-text">(\w+)', text) == ["Mine"]


def test_only_the_owner_of_the_instance_is_offered_another_shop(
    world: World, mia: Client, browser_of: Callable[[Agent], Client]
) -> None:
    assert "/shops/new/" not in mia.get("/teepuoti/inbox/navigation/").content.decode()
    Agent.objects.filter(pk=world.noor.pk).update(is_owner_of_instance=True)
    assert "/shops/new/" in browser_of(world.noor).get("/teepuoti/inbox/navigation/").content.decode()


def test_messages_after_a_number_come_alone(world: World, mia: Client, ada: Conversation) -> None:
    asked(world, ada, "Entä gyokuroa?")
    text = mia.get(f"/teepuoti/conversations/{ada.id}/messages/?after=1", headers=PARTIAL).content.decode()
    assert "Entä gyokuroa?" in text
    assert "senchaa" not in text


def test_what_customers_write_is_text_and_never_markup(world: World, mia: Client, ada: Conversation) -> None:
    asked(world, ada, "<script>alert(1)</script> <b hx-get='/'>x</b>")
    text = mia.get(open_ada(ada)).content.decode()
    assert "&lt;script&gt;alert(1)" in text
    assert "<b hx-get" not in text


def test_an_unverified_sender_is_told_of_in_the_bubble(world: World, mia: Client, ada: Conversation) -> None:
    assert "bubble-warning" not in mia.get(open_ada(ada)).content.decode()
    Message.unscoped.filter(conversation=ada).update(meta={"unverified": True})
    assert mia.get(open_ada(ada)).content.decode().count("bubble-warning") == 1


def test_search_leads_to_the_view_a_conversation_is_in(world: World, mia: Client, ada: Conversation) -> None:
    found = "/teepuoti/search/?q=virtanen"
    assert "Nothing was found" not in mia.get("/teepuoti/search/?q=ada").content.decode()
    with world.scope():
        conversations.close(ada, by=world.by_mia)
    text = mia.get("/teepuoti/search/?q=ada").content.decode()
    assert re.findall(r'class="conversation-row-link" href="([^"]+)"', text) == [open_ada(ada, "closed")]
    assert 'hx-get="' + open_ada(ada, "closed") not in text
    assert mia.get(found).status_code == 200


def test_an_unknown_visitor_has_a_name_on_the_page(world: World, mia: Client) -> None:
    posted = conversations.post_many([Shopper(world).says("Hei!")])[0]
    address = f"/teepuoti/inbox/open/conversations/{posted.conversation_id}/"  # type: ignore[union-attr]
    text = mia.get(address).content.decode()
    assert "<title>Visitor – Open – Teepuoti – Tiski</title>" in text


def test_an_address_of_no_conversation_is_a_page_that_says_so(mia: Client) -> None:
    answer = mia.get("/teepuoti/inbox/open/conversations/999/")
    assert answer.status_code == 404
    assert answer.content.decode().count("<h1") == 1


def test_the_start_leads_to_the_inbox(mia: Client) -> None:
    assert mia.get("/")["Location"] == "/teepuoti/inbox/open/"
    assert mia.get("/teepuoti/")["Location"] == "/teepuoti/inbox/open/"
