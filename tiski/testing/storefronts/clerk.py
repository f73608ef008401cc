"""Mia at the desk, told what to do line by line: `["answer", "Hei!"]` in, `{"ok": null}` out."""

from __future__ import annotations

import json
import sys
import uuid
from typing import Any

import django

django.setup()

from tiski.accounts.models import Membership, Role  # noqa: E402  models need the apps
from tiski.conversations import actions as conversations  # noqa: E402
from tiski.conversations.models import ChannelAccount, Conversation, Message  # noqa: E402
from tiski.kernel.action import SYSTEM, Actor, ActorKind  # noqa: E402
from tiski.kernel.scope import shop_scope  # noqa: E402


def widget() -> str:
    """The public key of the chat."""
    return _account().key


def admit(origin: str) -> None:
    """Let an origin's pages open the chat."""
    account = _account()
    domains = [*account.settings.get("domains", ()), origin]
    conversations.change_channel(account, settings={**account.settings, "domains": domains}, by=SYSTEM)


def answer(text: str) -> None:
    """Answer the newest conversation."""
    conversations.reply(_newest(), body=text, client_id=uuid.uuid4(), seen_seq=0, force=True, by=_mia())


def close() -> None:
    """Close the newest conversation."""
    conversations.close(_newest(), by=_mia())


def said() -> list[tuple[str, str]]:
    """What was said in the newest conversation."""
    lines = Message.objects.filter(conversation=_newest()).order_by("seq")
    return list(lines.values_list("author_kind", "body"))


def _account() -> ChannelAccount:
    return ChannelAccount.objects.get(kind="chat")


def _newest() -> Conversation:
    return Conversation.objects.filter(channel_account=_account()).latest("opened_at", "id")


def _mia() -> Actor:
    member = Membership.objects.filter(role=Role.AGENT).select_related("agent").order_by("id").first()
    assert member is not None, "the demo shop has nobody who answers"
    return Actor(ActorKind.AGENT, member.agent_id, member.agent.name)


def _perform(name: str, *arguments: str) -> Any:
    known = {verb.__name__: verb for verb in (widget, admit, answer, close, said)}
    with shop_scope(ChannelAccount.unscoped.filter(kind="chat").values_list("shop_id", flat=True)[0]):
        return known[name](*arguments)


if __name__ == "__main__":
    for line in sys.stdin:
        try:
            done = {"ok": _perform(*json.loads(line))}
        except Exception as error:  # noqa: BLE001  told to the test that asked
            done = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(done), flush=True)
