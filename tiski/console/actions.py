"""What the console puts together from the verbs of others: a new shop with its first chat window."""

from __future__ import annotations

from tiski.accounts import actions as accounts
from tiski.accounts.models import Agent, Shop
from tiski.console.errors import MayNotOpenShops
from tiski.conversations import actions as conversations
from tiski.conversations.models import ChannelAccount
from tiski.kernel.action import Actor, ActorKind, action
from tiski.kernel.scope import shop_scope

CHAT = "chat"


@action
def open_shop(*, name: str, key: str, language: str, timezone: str, by: Actor) -> Shop:
    """Open a shop whose owner is the one who asks, with a chat window switched on.

    Raises `MayNotOpenShops` for anyone but the instance's owner, `KeyTaken` when the key is in use.
    """
    if by.kind is not ActorKind.AGENT or not Agent.objects.filter(pk=by.id or 0, is_owner_of_instance=True).exists():
        raise MayNotOpenShops
    shop = accounts.create_shop(name=name, key=key, language=language, timezone=timezone, by=by)
    with shop_scope(shop.pk):
        open_chat_window(name=shop.name, by=by)
    return shop


@action
def open_chat_window(*, name: str, by: Actor) -> ChannelAccount:
    """Add a chat window to the shop in scope, switched on; no other site's pages may show it yet."""
    account = conversations.add_channel(CHAT, name=name, settings={"domains": []}, by=by)
    conversations.switch_channel(account, on=True, by=by)
    return account
