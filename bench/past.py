"""A long past of many shops, the same every time: most of it is Teepuoti's, the rest is spread over its neighbours."""

from __future__ import annotations

from django.db import connection

from tiski.accounts import actions as accounts
from tiski.accounts.models import Agent, Shop
from tiski.conversations import actions as conversations
from tiski.conversations.actions.indexing import index_more
from tiski.conversations.models import ChannelAccount, Message, SearchIndex
from tiski.kernel.action import SYSTEM, Actor, ActorKind
from tiski.kernel.scope import shop_scope
from tiski.testing.indexed import catch_up
from tiski.testing.volume import fill


def grow(conversations_in_all: int, *, shops: int, seed: int) -> int:
    """Write so many conversations of ten messages on average; returns how many messages. One shop gets them all."""
    own = conversations_in_all if shops == 1 else conversations_in_all // 2
    seed *= 1_000  # every shop draws its own numbers
    written = _fill(Shop.objects.get(is_demo=True), own, seed=seed)
    for number in range(1, shops):
        share = (conversations_in_all - own) // (shops - 1)
        written += _fill(_neighbour(number), share, seed=seed + number)
    _index()
    return written


def _fill(shop: Shop, share: int, *, seed: int) -> int:
    agents = list(Agent.objects.order_by("id").values_list("id", flat=True)[:2])
    account = ChannelAccount.unscoped.get(shop=shop, kind="chat")
    return fill(shop, agents=agents, account_id=account.id, conversations=share, seed=seed).messages


def _index() -> None:
    """Index it as the worker does what was there before it; the bulk insert tells nobody."""
    index_more(1)  # begins, where nobody has yet
    SearchIndex.objects.update(fill_until=Message.unscoped.latest("id").id)
    catch_up(most=1_000)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # What autovacuum and the checkpoints do in the minutes after, which are not the load that is measured.
            cursor.execute("VACUUM (ANALYZE)")
            cursor.execute("CHECKPOINT")


def _neighbour(number: int) -> Shop:
    """Another shop of the instance, with a widget of its own."""
    key = f"kauppa-{number}"
    found = Shop.objects.filter(key=key).first()
    if found:
        return found
    owner = Agent.objects.order_by("id")[0]
    by = Actor(ActorKind.AGENT, owner.id, owner.name)
    shop = accounts.create_shop(name=f"Kauppa {number}", key=key, language="fi", timezone="Europe/Helsinki", by=by)
    with shop_scope(shop.id):
        widget = conversations.add_channel("chat", name=shop.name, key=key, by=SYSTEM)
        conversations.switch_channel(widget, on=True, by=SYSTEM)
    return shop
