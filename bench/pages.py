"""B4 and B5: the inbox and a conversation, drawn from a shop with a long past."""

from __future__ import annotations

import time
from typing import Any

from bench.budget import Figure

TIMES = 60


def run(conversations: int) -> dict[str, Figure]:
    """CPU and queries of the two pages agents see most, in this process, through the whole of Django."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from tiski.accounts.models import Agent, Shop

    shop, mia = Shop.objects.get(is_demo=True), Agent.objects.get(email="mia@teepuoti.example")
    client = Client(HTTP_HOST="localhost")
    client.force_login(mia, backend="allauth.account.auth_backends.AuthenticationBackend")
    newest = _full_conversation(shop.id)
    figures = {}
    pages: dict[str, tuple[str, dict[str, Any], str]] = {
        "B4": (f"/{shop.key}/inbox/open/", {}, "inbox page"),
        "B5": (
            f"/{shop.key}/inbox/open/conversations/{newest}/",
            {"HTTP_HX_REQUEST_TYPE": "partial"},
            "conversation pane",
        ),
    }
    for name, (path, headers, words) in pages.items():
        client.get(path, **headers)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = client.get(path, **headers)
        count = len(queries)  # now: later requests reset the log
        cpu, wall = _measured(client, path, headers)
        conditions = (
            f"{words}, {conversations:,} conversations, {count} queries, {len(answer.content) // 1024} KB, "
            f"wall p99 {wall:.1f} ms unloaded, SQLite"
        )
        ok = cpu <= 3 and (name != "B4" or count <= 10)
        figures[name] = Figure(cpu, "ms CPU", "<= 3" + (", <= 10 queries" if name == "B4" else ""), ok, conditions)
    return figures


def _measured(client: Any, path: str, headers: dict[str, str]) -> tuple[float, float]:
    """Median CPU and p99 wall time of one request, in milliseconds."""
    cpus, walls = [], []
    for _ in range(TIMES):
        began, cpu = time.perf_counter(), time.process_time()
        assert client.get(path, **headers).status_code == 200
        cpus.append((time.process_time() - cpu) * 1000)
        walls.append((time.perf_counter() - began) * 1000)
    return sorted(cpus)[TIMES // 2], sorted(walls)[int(TIMES * 0.99) - 1]


def _full_conversation(shop_id: int) -> int:
    """An open conversation with at least fifty messages, made so if there is none."""
    from tiski.conversations import actions as conversations
    from tiski.conversations.models import Conversation
    from tiski.kernel import ids
    from tiski.kernel.action import Actor, ActorKind
    from tiski.kernel.scope import shop_scope

    with shop_scope(shop_id):
        chosen = Conversation.objects.filter(closed_at__isnull=True).order_by("-last_message_at")[0]
        writer = Actor(ActorKind.CUSTOMER, chosen.customer_id)
        for number in range(max(0, 50 - chosen.last_seq)):
            conversations.post(chosen, body=f"Rivi {number} keskustelua teestä.", client_id=ids.uuid7(), by=writer)
        return int(chosen.id)
