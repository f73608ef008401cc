"""Who takes part in a load: agents with a login, a mailbox, and what the database says of both."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from bench import mails


def agents(count: int) -> list[tuple[str, str]]:
    """So many agents of the demo shop, signed in: their cookies and CSRF tokens."""
    from django.conf import settings
    from django.test import Client

    from tiski.accounts.models import Shop

    shop = Shop.objects.get(is_demo=True)
    seated = []
    for number in range(count):
        client = Client(HTTP_HOST="localhost")
        client.force_login(_agent(shop, number))
        answer = client.get(f"/{shop.key}/inbox/open/")
        assert answer.status_code == 200, answer.status_code
        cookies = {name: morsel.value for name, morsel in client.cookies.items()}
        line = "; ".join(f"{name}={value}" for name, value in cookies.items())
        seated.append((line, cookies[settings.CSRF_COOKIE_NAME]))
    return seated


def _agent(shop: Any, number: int) -> Any:
    from tiski.accounts import actions as accounts
    from tiski.accounts.models import Agent, Role
    from tiski.kernel.action import SYSTEM
    from tiski.kernel.scope import shop_scope

    email = f"agent-{number}@teepuoti.example"
    found = Agent.objects.filter(email=email).first()
    if found:
        return found
    agent = accounts.create_agent(name=f"Mia {number}", email=email, by=SYSTEM)
    with shop_scope(shop.id):
        accounts.add_member(shop, agent, role=Role.AGENT, by=SYSTEM)
    return agent


def mailbox(level: str, port: int, password: str) -> int:
    """The shop's mailbox on the mail server at this port, switched on."""
    from tiski.accounts.models import Shop
    from tiski.channels.email import actions as mail
    from tiski.channels.email.mailbox import Passwords, Security, Server, Settings
    from tiski.kernel.action import SYSTEM
    from tiski.kernel.scope import shop_scope

    server = Server("127.0.0.1", port, Security.NONE, mails.SHOP)
    with shop_scope(Shop.objects.get(is_demo=True).id):
        account = mail.add_mailbox(
            Settings(address=mails.SHOP, imap=server, folder="INBOX", backfill="all", acknowledges=False),
            Passwords(imap=password), by=SYSTEM,
        )  # fmt: skip
    return int(account.id)


def close_mailbox(account_id: int) -> None:
    """Its server is gone: nothing reads it any more, and the next level may use the address."""
    from tiski.conversations.models import ChannelAccount

    found = ChannelAccount.unscoped.filter(id=account_id)
    found.update(
        disabled_at=found.values_list("created_at", flat=True)[0], settings={"address": f"{account_id}@gone.example"}
    )


def mails_left(account_id: int, names: Sequence[str], *, seconds: float) -> list[str]:
    """Which of these mails are not in a conversation after so long."""
    from django.db import connection

    from tiski.conversations.models import Message

    deadline = time.monotonic() + seconds
    while True:
        found = set(Message.unscoped.filter(channel_account_id=account_id).values_list("source_id", flat=True))
        connection.close()
        left = [name for name in names if name not in found and f"<{name}>" not in found]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(1)


def ids_of(uuids: Sequence[UUID]) -> list[int]:
    """The numbers of conversations that are known by uuid."""
    from django.db import connection

    from tiski.conversations.models import Conversation

    found = dict(Conversation.unscoped.filter(uuid__in=uuids).values_list("uuid", "id"))
    connection.close()
    return [found.get(uuid, 0) for uuid in uuids]
