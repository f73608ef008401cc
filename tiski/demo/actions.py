"""Opening the demo shop with its seeded inbox, and removing it with everything in it."""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from tiski.accounts import actions as accounts
from tiski.accounts.models import Agent, Role, Shop
from tiski.accounts.queries import role_in
from tiski.conversations import actions as conversations
from tiski.conversations.models import ChannelAccount, Conversation
from tiski.customers import actions as customers
from tiski.demo.story import STORY, Line, Thread
from tiski.kernel import clock, ids
from tiski.kernel.action import Actor, ActorKind, action
from tiski.kernel.errors import NotAllowed
from tiski.kernel.scope import shop_scope

KEY = "teepuoti"
SIGN_IN_FILE = "demo-sign-in.txt"
OWNER_EMAIL = "noor@teepuoti.example"
AGENT_EMAIL = "mia@teepuoti.example"


def open_on_first_run(*, by: Actor) -> None:
    """Open the demo shop on an instance that has neither a shop nor a person yet; otherwise change nothing."""
    if Shop.objects.exists() or Agent.objects.exists():
        return
    password = secrets.token_urlsafe(9)
    _open(password=password, by=by)
    _remember_sign_in(password)


def remove(*, by: Actor) -> None:
    """Remove the demo shop and its people but the one who asks; only its owners may."""
    shop = Shop.objects.filter(is_demo=True).first()
    if shop is None:
        return
    _remove(shop, by=by)
    sign_in_file().unlink(missing_ok=True)


def sign_in_file() -> Path:
    """Where the demo's sign-in is kept, readable by the operator alone."""
    return Path(settings.TISKI_DATA) / SIGN_IN_FILE


@action
def _open(*, password: str, by: Actor) -> None:
    noor = accounts.first_owner(name="Noor Haddad", email=OWNER_EMAIL, password=password)
    mia = accounts.create_agent(name="Mia Mäkinen", email=AGENT_EMAIL, password=password, by=by)
    shop = accounts.create_shop(
        name="Teepuoti", key=KEY, language="fi", timezone="Europe/Helsinki", is_demo=True, by=by
    )
    accounts.update_brand(shop, colour="#2f5d46", by=by)
    with shop_scope(shop.id):
        accounts.add_member(shop, noor, role=Role.OWNER, by=by)
        accounts.add_member(shop, mia, role=Role.AGENT, by=by)
        widget = conversations.add_channel("chat", name="Teepuoti", key=KEY, settings={"domains": []}, by=by)
        conversations.switch_channel(widget, on=True, by=by)
        mailbox = conversations.add_channel(
            "email", name="asiakaspalvelu@teepuoti.example", settings={"demo": True}, by=by
        )
        conversations.switch_channel(mailbox, on=True, by=by)
        people = {"mia": mia, "noor": noor}
        for thread in reversed(STORY):
            _tell(thread, mailbox if thread.email else widget, people, by=by)


def _tell(thread: Thread, channel: ChannelAccount, people: dict[str, Agent], *, by: Actor) -> None:
    began = clock.now() - timedelta(minutes=thread.lines[0].ago)
    with clock.as_of(began):
        kind, value = ("email", thread.email) if thread.email else ("visitor", secrets.token_hex(32))
        customer = customers.recognise(kind, value, name=thread.customer, language=thread.language, by=by)
        conversation = conversations.open_conversation(
            channel_account=channel, customer=customer, subject=thread.subject, language=thread.language, by=by
        )
    writer = Actor(ActorKind.CUSTOMER, customer.id, thread.customer)
    for line in thread.lines:
        with clock.as_of(clock.now() - timedelta(minutes=line.ago)):
            _say(line, conversation, writer, people)
    ended = clock.now() - timedelta(minutes=max(1, thread.lines[-1].ago - 2))
    with clock.as_of(ended):
        conversation.refresh_from_db()
        if thread.closed:
            conversations.close(conversation, by=_actor(people[thread.assignee]))


def _say(line: Line, conversation: Conversation, writer: Actor, people: dict[str, Agent]) -> None:
    who = line.who.removeprefix("note-")
    author = writer if who == "customer" else _actor(people[who])
    if who != "customer" and conversation.assignee_id is None:
        conversations.assign(conversation, to=people[who], by=author)
        conversation.refresh_from_db()
    if line.who.startswith("note-"):
        conversations.note(conversation, body=line.text, client_id=ids.uuid7(), by=author)
        return
    conversations.post(conversation, body=line.text, client_id=ids.uuid7(), by=author)


def _actor(agent: Agent) -> Actor:
    return Actor(ActorKind.AGENT, agent.pk, agent.name)


@action
def _remove(shop: Shop, *, by: Actor) -> None:
    if by.kind is not ActorKind.AGENT or role_in(shop.id, by.id or 0) != Role.OWNER:
        raise NotAllowed
    accounts.remove_shop(shop, by=by)
    others = Agent.objects.filter(email__in=[OWNER_EMAIL, AGENT_EMAIL], is_owner_of_instance=False)
    for agent in others.exclude(pk=by.id or 0):
        accounts.deactivate_agent(agent, by=by)


def _remember_sign_in(password: str) -> None:
    descriptor = os.open(sign_in_file(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{OWNER_EMAIL} {password}\n{AGENT_EMAIL} {password}\n")
