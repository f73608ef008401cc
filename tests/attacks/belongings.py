"""Everything of a shop that an address can name: one row of each kind, for the sweep to reach for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from uuid import uuid4

from PIL import Image

from tiski.accounts import actions as accounts
from tiski.accounts import letters
from tiski.accounts.models import Agent, Membership
from tiski.accounts.sessions import SessionStore, hashed
from tiski.conversations import actions as conversations
from tiski.conversations.models import Conversation, OutboxItem
from tiski.kernel import blobs
from tiski.kernel.action import Actor, ActorKind
from tiski.testing.world import Shopper, World

SECRET = "salaisuus"
PLAIN = {"view": "open", "slug": "sencha", "tree": "x", "name": "panel.js"}
"""Parameters that name no row of anybody's."""

NOWHERE: Mapping[str, object] = {
    "shop": "no-such-shop",
    "conversation_id": 987654321,
    "message_id": 987654321,
    "item_id": 987654321,
    "account_id": 987654321,
    "raw_id": 987654321,
    "blob_id": "0" * 32,
    "exception": 987654321,
    "invitation": 987654321,
    "member": 987654321,
    "agent": 987654321,
    "session": "0" * 40,
    "token": "x" * 43,
    "key": "no-such-key",
}
"""The same names, of nothing that exists."""


@dataclass(frozen=True, slots=True)
class Belongings:
    """A shop's rows by the names their addresses use; `kinds` are the values of live topics."""

    world: World
    ids: Mapping[str, object]
    topics: Mapping[str, int | None]
    of_mailbox: int
    removed: int
    suspended: int
    shopper: Shopper


def furnish(world: World) -> Belongings:
    """Fill the shop with one of everything and say what it is called."""
    with world.scope():
        conversations.change_channel(world.mailbox, settings={"demo": True}, by=world.by_noor)
        letter = world.conversation_with_ada(subject=f"{SECRET} {world.shop.key}")
        by_ada = Actor(ActorKind.CUSTOMER, letter.customer_id, "Ada Virtanen")
        conversations.post(letter, body=f"{SECRET}: missä tilaus on?", client_id=uuid4(), by=by_ada)
        blob = blobs.store(world.shop.pk, f"{SECRET}.png", _picture())
        conversations.add_upload(blob, by=world.by_mia)
        letter.refresh_from_db()
        said = conversations.reply(
            letter, body=f"{SECRET}: matkalla.", client_id=uuid4(), seen_seq=99, files=[blob.id], by=world.by_mia
        )
        raw = conversations.store_raw(world.mailbox, raw=f"Subject: {SECRET}\r\n\r\nHei\r\n".encode(), dedupe_key="1")
        hours = accounts.add_exception(world.shop, date(2026, 12, 24), reason=SECRET, by=world.by_noor)
        invitation = accounts.invite(world.shop, email="tuuli@teepuoti.example", role="agent", by=world.by_noor)
        item = OutboxItem.objects.get(message_id=said.message_id)
        removed, suspended = (_former(world, name, how) for name, how in (("Outi", "removed"), ("Sulo", "suspended")))
        member = Membership.objects.get(agent=world.mia)
    ids = {
        "shop": world.shop.key,
        "conversation_id": letter.pk,
        "message_id": said.message_id,
        "item_id": item.pk,
        "account_id": world.widget.pk,
        "raw_id": raw.id,
        "blob_id": blob.id,
        "exception": hours.pk,
        "invitation": invitation.pk,
        "member": member.pk,
        "agent": world.mia.pk,
        "session": _session(world.noor),
        "token": letters.invitation_link(invitation).rstrip("/").rpartition("/")[2],
        "key": world.widget.key,
    }
    return Belongings(world, ids, _topics(world, letter), world.mailbox.pk, removed, suspended, _shopper(world))


def _topics(world: World, letter: Conversation) -> dict[str, int | None]:
    return {
        "agent": world.mia.pk,
        "conversation": letter.pk,
        "customer": letter.customer_id,
        "inbox": None,
        "shop": world.shop.pk,
    }


def _shopper(world: World) -> Shopper:
    shopper = Shopper(world)
    conversations.post_many([shopper.says(f"{SECRET} chatissa")])
    return shopper


def _former(world: World, name: str, how: str) -> int:
    agent = accounts.create_agent(
        name=f"{name} Aalto", email=f"{name.lower()}@{world.shop.key}.example", by=world.by_noor
    )
    member = accounts.add_member(world.shop, agent, role="agent", by=world.by_noor)
    (accounts.remove_member if how == "removed" else accounts.suspend_member)(member, by=world.by_noor)
    return member.pk


def _session(agent: Agent) -> str:
    store = SessionStore()
    store["_auth_user_id"] = str(agent.pk)
    store.create()
    return hashed(store.session_key or "")


def _picture() -> bytes:
    content = BytesIO()
    Image.new("RGB", (16, 16), (15, 91, 80)).save(content, "PNG")
    return content.getvalue()
