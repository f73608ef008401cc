"""`make bench`: measure the budgets, print the table, write `bench/results.json`.

python -m bench [--only B1 B4] [--conversations 100000]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from bench import budget
from bench.serving import generate_on_the_other_core

LIVE, PAGES, IDLE = {"B1", "B2", "B3"}, {"B4", "B5"}, {"B10"}


def main() -> int:
    """Measure what was asked for, all of it unless told."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", nargs="+", default=sorted(LIVE | PAGES | IDLE), metavar="B")
    parser.add_argument("--conversations", type=int, default=100_000, help="size of the past behind B4 and B5")
    arguments = parser.parse_args()
    wanted = set(arguments.only)
    with tempfile.TemporaryDirectory(prefix="tiski-bench-", dir=os.environ.get("TISKI_BENCH_FOLDER")) as folder:
        figures = measure(wanted, Path(folder), arguments.conversations)
    budget.write(figures)
    print(budget.table(figures))
    return 0


def measure(wanted: set[str], data: Path, conversations: int) -> dict[str, budget.Figure]:
    """The figures of the wanted budgets, on a fresh demo shop."""
    os.environ |= {"TISKI_DATA": str(data), "DJANGO_SETTINGS_MODULE": "tiski.config.settings"}
    from tiski.config import startup

    startup.prepare(demo=True)
    from bench import idle, live, pages

    figures: dict[str, budget.Figure] = {}
    if wanted & IDLE:
        figures |= idle.run(data)
    generate_on_the_other_core()
    if wanted & LIVE:
        figures |= live.run(data)
    if wanted & PAGES:
        _fill(conversations)
        figures |= pages.run(conversations)
    return figures


def _fill(conversations: int) -> None:
    from tiski.accounts.models import Agent, Shop
    from tiski.conversations.models import ChannelAccount
    from tiski.testing.volume import fill

    began = time.perf_counter()
    shop = Shop.objects.get(is_demo=True)
    account = ChannelAccount.unscoped.get(shop=shop, kind="chat")
    agents = list(Agent.objects.values_list("id", flat=True))
    fill(shop, agents=agents, account_id=account.id, conversations=conversations)
    print(f"filled {conversations:,} conversations in {time.perf_counter() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
