"""B6: the console's search, by its own query, over a long past."""

from __future__ import annotations

import time

from bench.budget import Figure
from bench.measuring import percentile
from bench.scene import Scene

ROUNDS = 60
WORDS = (
    "Aino Korhonen",
    "Virt",
    "Ada",
    "a",
    "ada.virtanen.",
    "elsa.holm.7",
    "+358 40 123",
    "asiakaspalvelu",
    "4711",
    "there is no such customer",
)
"""What agents type: a name and its beginnings, an address, a phone number, a word of a subject, a number, a mistake."""


def run(place: Scene) -> dict[str, Figure]:
    """How long an answer takes at worst, and what it costs."""
    costs = [cost for words in WORDS for cost in measured(words, ROUNDS)]
    walls = [wall for wall, _cpu in costs]
    p99 = percentile(walls, 0.99)
    budget = 10 if place.database == "sqlite" else 50
    slowest = max(WORDS, key=lambda words: percentile([wall for wall, _cpu in measured(words, 5)], 0.5))
    conditions = (
        f"{place.filled * 10:,} messages, {place.filled:,} customers, {len(WORDS)} searches of {ROUNDS} rounds each by "
        f"customer, address, subject and number (bodies are not searched yet); p50 {percentile(walls, 0.5):.2f} ms, "
        f"CPU of the asking process p99 {percentile([cpu for _wall, cpu in costs], 0.99):.2f} ms, "
        f'slowest "{slowest}"'
    )
    return {"B6": Figure(p99, "ms p99", f"<= {budget}", p99 <= budget, conditions)}


def measured(words: str, rounds: int) -> list[tuple[float, float]]:
    """Wall and CPU milliseconds of each search, after one to warm up."""
    from tiski.accounts.models import Agent, Shop
    from tiski.conversations import queries
    from tiski.kernel.scope import shop_scope

    shop, mia = Shop.objects.get(is_demo=True), Agent.objects.get(email="mia@teepuoti.example")
    costs = []
    with shop_scope(shop.id):
        queries.search(shop, mia, words)
        for _ in range(rounds):
            began, used = time.perf_counter(), time.process_time()
            queries.search(shop, mia, words)
            costs.append(((time.perf_counter() - began) * 1000, (time.process_time() - used) * 1000))
    return costs
