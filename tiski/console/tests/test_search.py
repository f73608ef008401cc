"""The page of search: who and what is found, and how a match is shown."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tiski.conversations import actions as conversations
from tiski.conversations.models import Conversation
from tiski.testing.indexed import catch_up
from tiski.testing.world import Shopper, World

from .conftest import asked


def page(browser: Client, **query: str) -> str:
    """The page as the browser gets it."""
    answer = browser.get("/teepuoti/search/", query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_message_is_shown_with_its_match_and_leads_to_its_conversation(mia: Client, ada: Conversation) -> None:
    catch_up()
    text = page(mia, q="kahvia sencha")
    assert "Nothing was found" in text
    text = page(mia, q="sencha lisää")
    assert re.search(r"Milloin <mark>senchaa</mark> tulee <mark>lisää</mark>\?", text)
    assert f'href="/teepuoti/inbox/open/conversations/{ada.id}/"' in text
    assert "Ada Virtanen" in text
    assert "Nothing was found" not in text


def test_what_was_said_is_text_and_never_markup(world: World, mia: Client, ada: Conversation) -> None:
    asked(world, ada, '<script>alert(1)</script> kuppi <b>kuppi</b> <mark>väärä</mark> & "kuppi"')
    catch_up()
    text = page(mia, q="kuppi")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; <mark>kuppi</mark> &lt;b&gt;<mark>kuppi</mark>&lt;/b&gt;" in text
    assert "&lt;mark&gt;väärä&lt;/mark&gt;" in text
    assert "<script>alert" not in text


def test_older_messages_are_asked_for_by_the_last_one_shown(world: World, mia: Client) -> None:
    shopper = Shopper(world)
    conversations.post_many([shopper.says(f"kuppi {number}") for number in range(30)])
    catch_up()
    text = page(mia, q="kuppi")
    assert text.count('<li class="search-hit"') == 20
    older = re.search(r'href="/teepuoti/search/\?q=kuppi&amp;before=(\d+)"', text)
    assert older is not None
    text = page(mia, q="kuppi", before=older[1])
    assert text.count('<li class="search-hit"') == 10
    assert "before=" not in text


@pytest.mark.parametrize("before", ["", "x", "-1", "9" * 30, "0", "٣"])
def test_a_place_that_is_no_number_is_the_beginning(mia: Client, ada: Conversation, before: str) -> None:
    catch_up()
    assert ("<mark>" in page(mia, q="sencha", before=before)) is (before != "0")


def test_people_are_found_at_once_and_messages_of_other_shops_never(world: World, kahvila: World, mia: Client) -> None:
    ada = world.conversation_with_ada()
    conversations.post_many([Shopper(kahvila).says("salainen kahvi")])
    catch_up()
    assert f'id="conversation-{ada.id}"' in page(mia, q="ada@exam")
    assert "<mark>" not in page(mia, q="kahvi")


def test_b6_a_search_asks_at_most_twelve_queries(
    mia: Client, ada: Conversation, django_assert_max_num_queries: Any
) -> None:
    catch_up()
    page(mia, q="ada")
    with django_assert_max_num_queries(12):
        page(mia, q="ada")
    with django_assert_max_num_queries(12):
        page(mia, q="sencha")
