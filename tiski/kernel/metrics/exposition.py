"""All readings as text in the format of Prometheus, those of a child process among them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from django.db import DatabaseError, connection

from .counting import Histogram, counts
from .reading import Kind, Reading, Sample, measures
from .reading import Metric as Known

if TYPE_CHECKING:
    from prometheus_client import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PROCESS = "process"

log = logging.getLogger(__name__)


def exposition(process: str, *, shared: bool = True, of_others: Iterable[str] = ()) -> bytes:
    """What this process can say; its own numbers carry its name as the label `process`.

    `of_others` are expositions of further processes, made with `shared=False`.
    """
    # Read seldom, and by no process that nobody asks: its memory is taken only then.
    from prometheus_client import CollectorRegistry, generate_latest

    metrics: dict[str, Metric] = {}
    for metric in (*_own(process, shared=shared), *_parsed(of_others)):
        known = metrics.setdefault(metric.name, metric)
        if known is not metric:
            known.samples.extend(metric.samples)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(metrics.values()))
    return generate_latest(registry)


class _Given:
    """The shape in which the library takes finished metrics."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """The metrics."""
        return self._metrics


def _own(process: str, *, shared: bool) -> Iterator[Metric]:
    from prometheus_client import ProcessCollector

    for reading in _readings():
        if reading.metric.shared and not shared:
            continue
        yield _metric(reading, {} if reading.metric.shared else {PROCESS: process})
    for metric in ProcessCollector(registry=None).collect():
        metric.samples = [sample._replace(labels={PROCESS: process}) for sample in metric.samples]
        yield metric


def _readings() -> Iterator[Reading]:
    for name, count in sorted(counts.items()):
        samples = [Sample(value, {count.label: of} if count.label else {}) for of, value in count.so_far().items()]
        yield Known(name, count.meaning, Kind.COUNTER, shared=False).read(samples)
    for name, measure in measures():
        try:
            yield from list(measure())
        except DatabaseError:
            # What this process knows by itself matters most while the database does not answer.
            log.warning("a measure could not ask the database", extra={"measure": name})
            connection.close()


def _metric(reading: Reading, labels: dict[str, str]) -> Metric:
    from prometheus_client import Metric

    known = reading.metric
    metric = Metric(known.name, known.meaning, known.kind.value)
    suffix = "_total" if known.kind is Kind.COUNTER else ""
    for sample in reading.samples:
        named = {**labels, **sample.labels}
        if isinstance(sample.value, Histogram):
            _add_buckets(metric, sample.value, named)
        else:
            metric.add_sample(f"{known.name}{suffix}", named, float(sample.value))
    return metric


def _add_buckets(metric: Metric, histogram: Histogram, labels: dict[str, str]) -> None:
    numbers = list(accumulate(histogram.counts))
    for edge, number in zip([*map(str, histogram.edges), "+Inf"], numbers, strict=True):
        metric.add_sample(f"{metric.name}_bucket", {**labels, "le": edge}, number)
    metric.add_sample(f"{metric.name}_count", labels, numbers[-1])
    metric.add_sample(f"{metric.name}_sum", labels, histogram.sum)


def _parsed(texts: Iterable[str]) -> Iterator[Metric]:
    from prometheus_client.parser import text_string_to_metric_families

    for text in texts:
        yield from text_string_to_metric_families(text)
