"""B8: mails from their raw bytes to conversations, through the product's own receiving, parser child included."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import psutil

from bench import mails
from bench.budget import Figure
from bench.measuring import cpu, family
from bench.scene import Scene
from bench.serving import SERVER_CORE

MAILS = 3_000
AT_ONCE = 50  # as many as one commit of the mailbox reader takes


def run(place: Scene) -> dict[str, Figure]:
    """Mails a second on one core: storing, understanding and everything that follows from it."""
    from tiski.channels.email import child

    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {SERVER_CORE})  # the child inherits it: one core for all
    try:
        raws = list(mails.corpus(MAILS + 100))
        _receive(raws[:100], first=1)
        us = psutil.Process()
        began, used = time.perf_counter(), cpu(*family(us))
        ids = _receive(raws[100:], first=101)
        took, used = time.perf_counter() - began, cpu(*family(us)) - used
    finally:
        child.close()
        os.sched_setaffinity(0, before)
    rate, by_cpu = MAILS / took, MAILS / used
    size = sum(map(len, raws)) / len(raws) / 1000
    states = ", ".join(f"{count} {state}" for state, count in sorted(_states(ids).items()))
    conditions = (
        f"{MAILS:,} mails of {size:.0f} KB on average ({states}), one core, one thread and the parser child; "
        f"{used / MAILS * 1000:.2f} ms CPU each = {by_cpu:.0f}/s of CPU time"
    )
    return {"B8": Figure(rate, "mails/s", ">= 300", rate >= 300, conditions)}


def account() -> Any:
    """The mailbox that gets them, made when it is not there."""
    from tiski.accounts.models import Shop
    from tiski.channels.email.mailbox import KIND
    from tiski.conversations import actions as conversations
    from tiski.conversations.models import ChannelAccount
    from tiski.kernel.action import SYSTEM
    from tiski.kernel.scope import shop_scope

    shop = Shop.objects.get(is_demo=True)
    with shop_scope(shop.id):
        found = ChannelAccount.objects.filter(kind=KIND, name=mails.SHOP, settings__address=mails.SHOP).first()
        return found or conversations.add_channel(
            KIND, name=mails.SHOP, settings={"address": mails.SHOP, "acknowledges": False}, by=SYSTEM
        )


def _receive(raws: list[bytes], *, first: int) -> range:
    """Store as the mailbox reader does, then run what is due until nothing is; which items came in."""
    from tiski.channels.email import actions as mail
    from tiski.channels.email.actions.cursors import Fetched
    from tiski.conversations.models import InboundRaw
    from tiski.kernel import worker
    from tiski.kernel.events import delivering
    from tiski.kernel.scope import shop_scope

    mailbox = account()
    with shop_scope(mailbox.shop_id):
        newest = InboundRaw.objects.order_by("-id").values_list("id", flat=True).first() or 0
        cursor = mail.hold(mailbox, "bench")
        assert cursor is not None
        fetched = (Fetched(uid, raw) for uid, raw in enumerate(raws, first))
        for some in _batches(fetched):
            mail.take(cursor, mailbox, some, up_to=some[-1].uid)
    while delivering.run_due("bench", worker.SMALLEST_BATCH):
        pass
    return range(newest + 1, newest + 1 + len(raws))


def _batches(fetched: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(fetched)
    while some := list(islice(rest, AT_ONCE)):
        yield some


def _states(ids: range) -> Counter[str]:
    from tiski.conversations.models import InboundRaw
    from tiski.kernel.scope import shop_scope

    with shop_scope(account().shop_id):
        found = InboundRaw.objects.filter(id__gte=ids.start, id__lt=ids.stop)
        return Counter(str(state) for state in found.values_list("state", flat=True))
