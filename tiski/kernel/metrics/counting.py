"""Numbers that grow while the process runs."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Sequence


class Count:
    """How often something happened, by the value of one label if it has one.

    For what happens rarely: it takes a lock. Counts register themselves.
    """

    def __init__(self, name: str, meaning: str, *, label: str = "") -> None:
        """`name` without `_total`."""
        self.name = name
        self.meaning = meaning
        self.label = label
        self._lock = threading.Lock()
        self._by: dict[str, int] = {} if label else {"": 0}
        counts[name] = self

    def add(self, of: str = "", number: int = 1) -> None:
        """It happened, to this value of the label."""
        if number:
            with self._lock:
                self._by[of] = self._by.get(of, 0) + number

    def so_far(self) -> dict[str, int]:
        """The numbers by label."""
        with self._lock:
            return dict(self._by)


class Histogram:
    """How often a value fell between two edges; written by one thread at a time."""

    __slots__ = ("counts", "edges", "sum")

    def __init__(self, edges: tuple[float, ...]) -> None:
        """`edges` are the upper bounds, ascending; above the last one is a bucket more."""
        self.edges = edges
        self.counts = [0] * (len(edges) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """One more value."""
        self.counts[bisect_left(self.edges, value)] += 1
        self.sum += value

    def observe_sorted(self, values: Sequence[float]) -> None:
        """Many values, ascending: looked up by edge instead of by value, which costs a hundred of them as ten."""
        below = 0
        for place, edge in enumerate(self.edges):
            up_to_edge = bisect_right(values, edge, below)
            self.counts[place] += up_to_edge - below
            below = up_to_edge
        self.counts[-1] += len(values) - below
        self.sum += sum(values)


counts: dict[str, Count] = {}
"""Every count there is, by name."""
