"""The other side of the counter, in a process of its own: opens the second shop, hires and dismisses, looks into rows.

Told what to do line by line: `["hire", "Elli Sund", "agent"]` in, `{"ok": ...}` out. Facts it writes reach the running
instance as those of another machine would.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import django

django.setup()

from django.db import connection  # noqa: E402  models need the apps

from tiski.accounts import actions as accounts  # noqa: E402
from tiski.accounts import letters  # noqa: E402
from tiski.accounts.models import Agent, AgentSession, Membership, Shop  # noqa: E402
from tiski.conversations import actions as conversations  # noqa: E402
from tiski.conversations.models import Attachment, ChannelAccount, Conversation, Message  # noqa: E402
from tiski.kernel.action import SYSTEM, Actor, ActorKind  # noqa: E402
from tiski.kernel.scope import shop_scope  # noqa: E402
from tiski.testing.world import Shopper, coffee_shop  # noqa: E402

TEEPUOTI = "teepuoti"


def open_kahvila(password: str) -> dict[str, Any]:
    """Open Kahvila beside Teepuoti, with one conversation in it; the ids an attacker may have learnt."""
    world = coffee_shop(password=password)
    buyer = Shopper(world)
    conversations.post_many([buyer.says("Kahvilan salaisuus: huomenna alennus.")])
    conversation = Conversation.unscoped.get(uuid=buyer.conversation)
    return {
        "shop": world.shop.pk,
        "agent": world.mia.pk,
        "customer": conversation.customer_id,
        "conversation": conversation.pk,
        "uuid": str(conversation.uuid),
        "widget": world.widget.key,
    }


def hire(name: str, role: str, password: str, shop: str = TEEPUOTI) -> str:
    """A new colleague in the shop; their address."""
    email = f"{name.split(maxsplit=1)[0].lower()}.{uuid4().hex[:8]}@teepuoti.example"
    agent = accounts.create_agent(name=name, email=email, password=password, by=SYSTEM)
    accounts.add_member(Shop.objects.get(key=shop), agent, role=role, by=SYSTEM)
    return email


def change_password(email: str, password: str) -> None:
    """What pressing the button at the end of a reset link does."""
    agent = Agent.objects.get(email=email)
    accounts.change_password(agent, password=password, by=_self(agent))


def change_role(email: str, role: str) -> None:
    """Another role in Teepuoti."""
    accounts.change_role(_member(email), to=role, by=SYSTEM)


def suspend(email: str) -> None:
    """Shut out of Teepuoti for the time being."""
    accounts.suspend_member(_member(email), by=SYSTEM)


def remove(email: str) -> None:
    """No longer in Teepuoti."""
    accounts.remove_member(_member(email), by=SYSTEM)


def deactivate(email: str) -> None:
    """No longer on this instance."""
    accounts.deactivate_agent(Agent.objects.get(email=email), by=SYSTEM)


def end_session(email: str) -> None:
    """Sign out the only browser of someone, from afar."""
    agent = Agent.objects.get(email=email)
    accounts.end_session(agent, AgentSession.objects.get(agent=agent).session_key, by=_self(agent))


def reset_path(email: str) -> str:
    """Path of the link in a reset letter made now."""
    body = letters.reset_letter(Agent.objects.get(email=email)).body
    return next(line for line in body.split("\n\n") if "/password/reset/" in line).split("/", 3)[3]


def owner_of_shop(key: str) -> str:
    """The address of the shop's owner."""
    return Membership.unscoped.filter(shop__key=key, role="owner").values_list("agent__email", flat=True)[0]


def admit(origin: str) -> None:
    """Register an origin for Teepuoti's widget."""
    account = ChannelAccount.unscoped.get(kind="chat", key=TEEPUOTI)
    with shop_scope(account.shop_id):
        known = account.settings.get("domains", [])
        conversations.change_channel(account, settings={**account.settings, "domains": [*known, origin]}, by=SYSTEM)


def customers_of(uuids: list[str]) -> list[dict[str, Any]]:
    """Of each conversation the customer, their name and the kinds of their addresses."""
    found = Conversation.unscoped.filter(uuid__in=uuids).select_related("customer")
    return [
        {
            "customer": row.customer_id,
            "name": row.customer.name,
            "identities": sorted(row.customer.identities(manager="unscoped").values_list("kind", flat=True)),
        }
        for row in found
    ]


def said_in(uuid: str) -> list[str]:
    """What was said in a conversation."""
    return list(Message.unscoped.filter(conversation__uuid=uuid).order_by("seq").values_list("body", flat=True))


def begun() -> int:
    """How many conversations there are."""
    return Conversation.unscoped.count()


def uploads(uploader: str = "") -> int:
    """How many attachments there are."""
    found = Attachment.unscoped.all()
    return (found.filter(uploader=uploader) if uploader else found).count()


def places_of(text: str) -> list[str]:
    """Tables and columns in which a text is found in clear."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
            for column in columns:
                cursor.execute(
                    f"SELECT COUNT(*) FROM {connection.ops.quote_name(table)} "
                    f"WHERE CAST({connection.ops.quote_name(column)} AS TEXT) LIKE %s",
                    [f"%{text}%"],
                )
                found += [f"{table}.{column}"] if cursor.fetchone()[0] else []
    return found


def _member(email: str) -> Membership:
    return Membership.unscoped.select_related("agent", "shop").get(agent__email=email, shop__key=TEEPUOTI)


def _self(agent: Agent) -> Actor:
    return Actor(ActorKind.AGENT, agent.pk, agent.name)


VERBS: dict[str, Callable[..., Any]] = {
    verb.__name__: verb
    for verb in (
        *(open_kahvila, hire, change_password, change_role, suspend, remove, deactivate, end_session, reset_path),
        *(owner_of_shop, admit, customers_of, said_in, begun, uploads, places_of),
    )
}

if __name__ == "__main__":
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            done = {"ok": VERBS[name](*arguments)}
        except Exception as error:  # noqa: BLE001  told to the test that asked
            done = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(done) + "\n")
        sys.stdout.flush()
