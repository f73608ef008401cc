"""B4 and B5: the inbox and a conversation, drawn from a shop with a long past by a server process of its own."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import httpx
import psutil

from bench.budget import Figure
from bench.measuring import cpu, percentile, settle
from bench.scene import Scene
from bench.serving import served

WARM_UP, ROUNDS, TIMES, ARRIVALS = 20, 5, 120, 300
AT_ONCE = 2
"""Two visitors keep the server at work. One alone leaves it idle between requests, and what is cold costs more."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page under measurement."""

    words: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)


def run(place: Scene) -> dict[str, Figure]:
    """Processor time and queries of the two pages agents see most, and how late they are at half load."""
    cookie, pages = _pages()
    figures: dict[str, Figure] = {}
    with served(place.data, ["tiski.config.cli", "web"]) as (process, port):
        for name, page in pages.items():
            queries, size = _queries(page, cookie)
            spent, alone = (_spent(process, port, page, cookie, visitors=visitors) for visitors in (AT_ONCE, 1))
            late = percentile(asyncio.run(_half_load(port, page, cookie, spent)), 0.99)
            conditions = f"{page.words}, {place.conversations:,} conversations, {queries} queries, {size // 1024} KB"
            conditions += f"; the least of {ROUNDS} rounds with {AT_ONCE} visitors at once; one alone {alone:.2f} ms"
            few = queries <= 10 or name != "B4"
            budget = "<= 3" + (", <= 10 queries" if name == "B4" else "")
            figures[name] = Figure(spent, "ms CPU of the server", budget, spent <= 3 and few, conditions)
            load = f"{page.words}, open loop, {500 / spent:.0f} a second"
            figures[f"{name}p"] = Figure(late, "ms p99 at half load", "<= 15", late <= 15, load)
    return figures


def _pages() -> tuple[dict[str, str], dict[str, Page]]:
    from django.conf import settings
    from django.test import Client

    from tiski.accounts.models import Agent, Shop

    shop, mia = Shop.objects.get(is_demo=True), Agent.objects.get(email="mia@teepuoti.example")
    client = Client(HTTP_HOST="localhost")
    client.force_login(mia)
    inbox = f"/{shop.key}/inbox/open/"
    client.get(inbox)  # the browser keeps the CSRF cookie of its first page
    names = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
    cookie = {name: client.cookies[name].value for name in names}
    pane = Page(
        "conversation pane, 50 messages",
        f"{inbox}conversations/{full_conversation(shop.id)}/",
        {"HX-Request": "true", "HX-Request-Type": "partial"},
    )
    return cookie, {"B4": Page("inbox page, 50 rows", inbox), "B5": pane}


def _queries(page: Page, cookie: dict[str, str]) -> tuple[int, int]:
    """How many queries the page asks, and its size: seen from inside, once it is warm."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(HTTP_HOST="localhost", headers=page.headers)
    client.cookies.load(cookie)
    client.get(page.path)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(page.path)
    assert answer.status_code == 200
    return len(queries), len(answer.content)


def _spent(process: psutil.Process, port: int, page: Page, cookie: dict[str, str], *, visitors: int) -> float:
    """Milliseconds of the server's processor time for one answer, HTTP and threads included: the least of the rounds,
    because what else the machine does can only add to it.
    """

    async def ask(client: httpx.AsyncClient, times: int) -> None:
        for _ in range(times):
            (await client.get(page.path, headers=page.headers)).raise_for_status()

    async def rounds() -> list[float]:
        address = f"http://localhost:{port}"
        async with httpx.AsyncClient(base_url=address, cookies=cookie, trust_env=False, timeout=30) as client:
            await asyncio.gather(*(ask(client, WARM_UP) for _ in range(visitors)))
            spent = []
            for _ in range(ROUNDS):
                before = cpu(process)
                await asyncio.gather(*(ask(client, TIMES // visitors) for _ in range(visitors)))
                spent.append((cpu(process) - before) * 1000 / TIMES)
            return spent

    return min(asyncio.run(rounds()))


async def _half_load(port: int, page: Page, cookie: dict[str, str], spent: float) -> list[float]:
    """Milliseconds from when each request was due; arrivals do not wait for answers."""
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    late: list[float] = []

    async def ask(client: httpx.AsyncClient, due: float) -> None:
        (await client.get(page.path, headers=page.headers)).raise_for_status()
        late.append((time.perf_counter() - due) * 1000)

    address = f"http://localhost:{port}"
    async with httpx.AsyncClient(
        base_url=address, cookies=cookie, trust_env=False, limits=limits, timeout=30
    ) as client:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(WARM_UP):  # at once, so that every thread of the server has its connection
                tasks.create_task(ask(client, 0.0))
        late.clear()
        settle()
        began, gap = time.perf_counter() + 0.1, spent * 2 / 1000
        async with asyncio.TaskGroup() as tasks:
            for number in range(ARRIVALS):
                due = began + number * gap
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                tasks.create_task(ask(client, due))
    return late


def full_conversation(shop_id: int) -> int:
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


def signed_in_inbox() -> tuple[dict[str, str], str]:
    """An agent's login cookie and the address of their inbox, for a browser."""
    cookie, pages = _pages()
    return cookie, pages["B4"].path
