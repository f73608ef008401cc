"""F42: a page that only hears what happened shows the same as one that is loaded now, after every single action.

Each action is done once before open pages of its doer, of a colleague and of the shopper. Then the worker does what
follows, the pages hear the facts, and are compared with fresh ones. An action nobody listed here fails the last test.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from uuid import uuid4

import msgspec
import pytest

import tiski
from tiski.channels.email.mailbox import Security, Server
from tiski.conversations import actions as conversations
from tiski.conversations.models import Conversation
from tiski.kernel import action as kernel_action
from tiski.kernel.events import delivering, stream
from tiski.kernel.events.event import events
from tiski.kernel.models import Delivery
from tiski.testing.every_action import CASES, Stage
from tiski.testing.letterbox import Post
from tiski.testing.open_page import ChatWindow, ConsolePage
from tiski.testing.world import Shopper

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(120)]

SEEN_AT_THE_NEXT_PAGE = {
    "accounts": "people, hours, rights and settings: read with the next page; lost rights close the line (A33)",
    "console": "opening a shop and adding a chat window lead to a new page",
    "demo": "the demo shop is opened and removed with a page of its own",
}
"""Packages whose actions change nothing that a list, header or thread shows, and why."""
WHILE_NOTHING_IS_SERVED = {"conversations.hold_after_restore"}


@pytest.fixture
def stage(post: Post, loopback: None) -> Iterator[Stage]:
    """The stage, inside its shop; no mail server answers there."""
    world, ada = post.world, Shopper(post.world)
    post.set(imap=None, smtp=Server("127.0.0.1", 9, Security.NONE, post.address), acknowledges=False)
    conversations.post_many([ada.says("Hei!"), ada.says("Onko senchaa?")])
    asked = post.receive(post.mail("Missä pakettini on?", subject="Paketti"))
    assert asked.conversation is not None
    with world.scope():
        chat = Conversation.objects.get(uuid=ada.conversation)
        built = Stage(world, post, ada, chat, asked.conversation)
        conversations.reply(chat, body="On!", client_id=uuid4(), seen_seq=2, by=world.by_mia)
        conversations.record_accepted(built.sending(built.answer("Matkalla.")))
        yield built


@pytest.mark.parametrize("name", sorted(CASES))
def test_f42_after_this_action_an_open_page_shows_what_a_fresh_one_does(stage: Stage, name: str) -> None:
    act = CASES[name](stage)
    Delivery.objects.all().delete()
    agents, open_ones = (stage.world.mia, stage.world.noor), (stage.chat, stage.mail)
    pages = [ConsolePage(agent, conversation) for agent in agents for conversation in open_ones]
    window = ChatWindow(stage.world.widget.key, stage.chat)
    stream.publish()
    before = stream.head()

    act()
    _let_the_worker_work()
    stream.publish()
    facts = stream.after(before, 1000, shop_id=stage.world.shop.id)
    for fact in facts:
        assert msgspec.convert(fact.data, events[fact.name]).subject == fact.subject
    window.hear(facts)
    assert window.messages == ChatWindow(stage.world.widget.key, stage.chat).messages
    for page in pages:
        page.hear(facts)
        fresh = ConsolePage(page.agent, page.conversation)
        assert page.shown() == fresh.shown(), f"{page.agent.name}, after {[fact.name for fact in facts]}"


def test_f42_every_action_is_done_before_an_open_page() -> None:
    known = set(_actions())
    listed = {name for name in known if name.split(".")[0] in SEEN_AT_THE_NEXT_PAGE}
    assert sorted(known - listed - WHILE_NOTHING_IS_SERVED - CASES.keys()) == []
    assert sorted(CASES.keys() - known) == []


def _let_the_worker_work() -> None:
    """What follows from the facts and is due now; mail servers do not answer, so what is sent is put off."""
    for _round in range(5):
        if not delivering.run_due("worker"):
            return


def _actions() -> Iterator[str]:
    """Every action of the product by package and name, and the one writer that needs no decorator."""
    yield "conversations.post_many"
    made_by = inspect.getsourcefile(kernel_action)
    for found in pkgutil.walk_packages(tiski.__path__, "tiski."):
        parts = found.name.split(".")
        if "actions" not in parts or "tests" in parts or parts[1] == "testing":
            continue
        for name, verb in vars(importlib.import_module(found.name)).items():
            if name.startswith("_"):
                continue  # what an action does after it has read
            code = getattr(verb, "__code__", None)
            if code and code.co_filename == made_by and hasattr(verb, "__wrapped__") and verb.__module__ == found.name:
                yield f"{parts[parts.index('actions') - 1]}.{name}"
