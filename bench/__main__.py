"""`make bench`: measure the budgets, print the table, keep the figures in `bench/results.json`.

python -m bench [--only B1 B4] [--database postgresql] [--conversations 100000]
python -m bench --load L1 L2 [--seconds 60] [--database postgresql [--apart]]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

from bench import budget
from bench.budget import Figure
from bench.scene import Scene, scene
from bench.serving import generate_on_the_other_core

Figures = dict[str, Figure]


@dataclass(frozen=True, slots=True)
class Part:
    """One module of the suite: the budgets it measures, and whether they need the long past."""

    names: str
    run: Callable[[Scene], Figures]
    needs_past: bool = False


def _idle(place: Scene) -> Figures:
    from bench import idle

    return idle.run(place.data)


def _live(place: Scene) -> Figures:
    from bench import live

    return live.run(place.data)


def _pages(place: Scene) -> Figures:
    from bench import pages

    return pages.run(place)


def _console(place: Scene) -> Figures:
    from bench import console

    return console.run(place)


def _searching(place: Scene) -> Figures:
    from bench import searching

    return searching.run(place)


def _receiving(place: Scene) -> Figures:
    from bench import receiving

    return receiving.run(place)


def _deliveries(place: Scene) -> Figures:
    from bench import deliveries

    return deliveries.run(place)


def _widgets(place: Scene) -> Figures:
    from bench import widgets

    return widgets.run(place)


def _growth(place: Scene) -> Figures:
    from bench import growth

    return growth.run(place)


# A new part is one function above and one line here; it is given the scene and answers with its figures.
SUITE = (
    Part("B10", _idle),
    Part("B1 B2 B3", _live),
    Part("B9", _deliveries),
    Part("B8", _receiving),
    Part("B11", _widgets),
    Part("growth", _growth),  # before the long past of the next ones: it fills up to it
    Part("B4 B5", _pages, needs_past=True),
    Part("B6", _searching, needs_past=True),
    Part("B12", _console, needs_past=True),
)


def main() -> int:
    """Measure what was asked for, all of it unless told."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    every = [name for part in SUITE for name in part.names.split()]
    parser.add_argument("--only", nargs="+", default=every, metavar="B")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--conversations", type=int, default=100_000, help="size of the past behind B4, B5 and B6")
    parser.add_argument("--load", nargs="+", choices=["L1", "L2", "L3", "L4"], default=[], help="only these levels")
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long a level is measured")
    parser.add_argument(
        "--apart", action="store_true", help="levels with web, live and worker as processes of their own"
    )
    arguments = parser.parse_args()
    figures: Figures = {}
    with scene(arguments.database, arguments.conversations) as place:
        if arguments.load:
            from bench import loads

            for level in arguments.load:
                figures |= _kept(loads.run(place, [level], arguments.seconds, apart=arguments.apart), place)
            print(budget.table(figures))
            return 0
        for part in SUITE:
            if not set(part.names.split()) & set(arguments.only):
                continue
            if part.names != "B10":  # the product at rest has both cores, as at home
                generate_on_the_other_core()
            if part.needs_past:
                place.with_past()
            figures |= _kept(part.run(place), place)
    print(budget.table(figures))
    return 0


def _kept(found: Figures, place: Scene) -> Figures:
    located = budget.located(found, place.database)
    budget.write(located)
    return located


if __name__ == "__main__":
    sys.exit(main())
