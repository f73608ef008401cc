"""B6: the console's search, by its own queries, over a long past: people and numbers, and what was said."""

from __future__ import annotations

import time

from bench.budget import Figure
from bench.measuring import percentile
from bench.scene import Scene

ROUNDS = 60
PEOPLE = ("Aino Korhonen", "Virt", "Ada", "a", "ada.virtanen.", "elsa.holm.7", "+358 40 123", "4711")
"""A name and its beginnings, an address, a phone number, a number."""
SAID = (
    "kiitos",  # in every eleventh message of customers
    "kiito",  # the beginning of a common word
    "tilauksen",  # in every fifth message, in three forms
    "tilauksenn",  # a long beginning of none
    "paketti puuttui",
    "47110",  # in a few
    "471",  # the beginning of many rare ones
    "asiakaspalvelu",
    "there is no such customer",
)
"""Words of messages: common and rare, whole and begun, together, and none at all."""
WORDS = PEOPLE + SAID
NEVER_TOGETHER = "kuppi posti"
"""Two common words that no message has both of: their lists are read to the end. Told beside the figure."""


def run(place: Scene) -> dict[str, Figure]:
    """How long an answer takes at worst, and what it costs."""
    costs = [cost for words in WORDS for cost in measured(words, ROUNDS)]
    walls = [wall for wall, _cpu in costs]
    p99 = percentile(walls, 0.99)
    budget = 10 if place.database == "sqlite" else 50
    slowest = max(WORDS, key=lambda words: percentile([wall for wall, _cpu in measured(words, 5)], 0.5))
    conditions = (
        f"{place.filled * 10:,} messages, {place.filled:,} customers, {len(WORDS)} searches of {ROUNDS} rounds each by "
        f"customer, address, number and words of messages, newest 20 of both; p50 {percentile(walls, 0.5):.2f} ms, "
        f"CPU of the asking process p99 {percentile([cpu for _wall, cpu in costs], 0.99):.2f} ms, "
        f'slowest "{slowest}"; two common words that are never together: at least '
        f"{min(measured(NEVER_TOGETHER, 5))[0]:.1f} ms"
    )
    return {"B6": Figure(p99, "ms p99", f"<= {budget}", p99 <= budget, conditions)}


def measured(words: str, rounds: int) -> list[tuple[float, float]]:
    """Wall and CPU milliseconds of each search, after one to warm up."""
    from tiski.accounts.models import Agent, Shop
    from tiski.conversations import queries
    from tiski.kernel.scope import shop_scope

    def search() -> None:
        queries.search(shop, mia, words)
        queries.said(shop, words)

    shop, mia = Shop.objects.get(is_demo=True), Agent.objects.get(email="mia@teepuoti.example")
    costs = []
    with shop_scope(shop.id):
        search()
        for _ in range(rounds):
            began, used = time.perf_counter(), time.process_time()
            search()
            costs.append(((time.perf_counter() - began) * 1000, (time.process_time() - used) * 1000))
    return costs
