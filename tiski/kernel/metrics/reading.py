"""What a metric is, one reading of it, and the registries of metrics and of those who read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from .counting import Histogram

Labels = Mapping[str, str]


class Kind(StrEnum):
    """What a number is: it only grows, it goes up and down, or it says how often what was how large."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Sample:
    """A number, and what distinguishes it from the metric's other numbers."""

    value: float | Histogram
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Metric:
    """A name with its meaning; `shared` when every process would read the same."""

    name: str
    meaning: str
    kind: Kind
    shared: bool

    def read(self, samples: Iterable[Sample]) -> Reading:
        """Its numbers at this moment."""
        return Reading(self, tuple(samples))


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric with its numbers."""

    metric: Metric
    samples: tuple[Sample, ...]


def counter(name: str, meaning: str) -> Metric:
    """What has happened in this process since it began; shown as `<name>_total`."""
    return _known(Metric(name, meaning, Kind.COUNTER, shared=False))


def gauge(name: str, meaning: str, *, shared: bool = False) -> Metric:
    """How things stand."""
    return _known(Metric(name, meaning, Kind.GAUGE, shared))


def histogram(name: str, meaning: str) -> Metric:
    """How often what was how large in this process."""
    return _known(Metric(name, meaning, Kind.HISTOGRAM, shared=False))


metrics: dict[str, Metric] = {}
"""Every metric there is, by name; those that `Count` makes stand in `counting.counts`."""

Measure = Callable[[], Iterable[Reading]]
_measures: dict[str, Measure] = {}


def measure(function: Measure) -> Measure:
    """Register a function that reads metrics; it is called each time somebody looks, and may ask the database."""
    _measures[f"{function.__module__}.{function.__name__}"] = function
    return function


def measures() -> Sequence[tuple[str, Measure]]:
    """Every registered function with its name."""
    return sorted(_measures.items())


def _known(metric: Metric) -> Metric:
    if metrics.setdefault(metric.name, metric) != metric:
        raise ValueError(f"two metrics are called {metric.name}")
    return metric
