"""What the product counts and measures, for operators: plain numbers, without people and without names of shops.

refused = metrics.Count("tiski_refused", "What was refused.", label="reason")      # counted where it happens
refused.add("full")

QUEUE = metrics.gauge("tiski_queue", "What waits.")

@metrics.measure                     # read when somebody asks: what the database or this process knows
def queue() -> Iterator[Reading]:
    yield QUEUE.read([Sample(7)])

Hot paths keep plain integers; everything else is done when `/metrics` is read. A reading that is the same whichever
process of the installation is asked is `shared`, and shown once.
"""

from __future__ import annotations

from .counting import Count, Histogram
from .exposition import CONTENT_TYPE, exposition
from .reading import Metric, Reading, Sample, counter, gauge, histogram, measure

__all__ = [
    "CONTENT_TYPE",
    "Count",
    "Histogram",
    "Metric",
    "Reading",
    "Sample",
    "counter",
    "exposition",
    "gauge",
    "histogram",
    "measure",
]
