"""Counting, and the text that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import pytest
from django.db import DatabaseError
from hypothesis import given
from hypothesis import strategies as st

from tiski.kernel import measures, metrics
from tiski.kernel.live.counters import Counters
from tiski.kernel.metrics import Count, Histogram, Reading, Sample, counting, reading

CUPS = metrics.gauge("tests_cups", "Cups on the table.")
TEAPOTS = metrics.gauge("tests_teapots", "Teapots in the shop.", shared=True)
WAITS = metrics.histogram("tests_brewing_seconds", "How long the tea brewed.")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what the test registers is read."""
    monkeypatch.setattr(counting, "counts", {})
    monkeypatch.setattr(reading, "_measures", {})


def lines(text: bytes) -> list[str]:
    """The lines about our tea room."""
    return [line for line in text.decode().splitlines() if "tests_" in line]


@pytest.mark.usefixtures("alone")
def test_numbers_are_told_with_their_meaning_and_the_process_they_are_of() -> None:
    brewed = Histogram((1.0, 5.0))
    for seconds in (0.5, 1.0, 4.0, 60.0):
        brewed.observe(seconds)

    @metrics.measure
    def table() -> Iterator[Reading]:
        yield CUPS.read([Sample(3, {"size": "large"})])
        yield TEAPOTS.read([Sample(2)])
        yield WAITS.read([Sample(brewed)])

    assert lines(metrics.exposition("live")) == [
        "# HELP tests_cups Cups on the table.",
        "# TYPE tests_cups gauge",
        'tests_cups{process="live",size="large"} 3.0',
        "# HELP tests_teapots Teapots in the shop.",
        "# TYPE tests_teapots gauge",
        "tests_teapots 2.0",
        "# HELP tests_brewing_seconds How long the tea brewed.",
        "# TYPE tests_brewing_seconds histogram",
        'tests_brewing_seconds_bucket{le="1.0",process="live"} 2.0',
        'tests_brewing_seconds_bucket{le="5.0",process="live"} 3.0',
        'tests_brewing_seconds_bucket{le="+Inf",process="live"} 4.0',
        'tests_brewing_seconds_count{process="live"} 4.0',
        'tests_brewing_seconds_sum{process="live"} 65.5',
    ]


@given(st.lists(st.floats(0, 20)))
def test_sorted_values_are_counted_as_single_ones(values: list[float]) -> None:
    together, singly = Histogram((0.0, 1.0, 2.5, 10.0)), Histogram((0.0, 1.0, 2.5, 10.0))
    together.observe_sorted(sorted(values))
    for value in values:
        singly.observe(value)
    assert together.counts == singly.counts
    assert together.sum == pytest.approx(singly.sum)


@pytest.mark.usefixtures("alone")
def test_what_another_process_tells_stands_beside_it_and_what_is_shared_stands_once() -> None:
    @metrics.measure
    def table() -> Iterator[Reading]:
        yield CUPS.read([Sample(3)])
        yield TEAPOTS.read([Sample(2)])

    worker = metrics.exposition("worker", shared=False)
    found = [line for line in lines(metrics.exposition("live", of_others=[worker.decode()])) if line[0] != "#"]
    assert found == ['tests_cups{process="live"} 3.0', 'tests_cups{process="worker"} 3.0', "tests_teapots 2.0"]


@pytest.mark.usefixtures("alone")
def test_a_database_that_does_not_answer_takes_only_its_own_numbers_away() -> None:
    @metrics.measure
    def broken() -> Iterator[Reading]:
        yield TEAPOTS.read([Sample(2)])
        raise DatabaseError("no connection")

    @metrics.measure
    def table() -> Iterator[Reading]:
        yield CUPS.read([Sample(3)])

    assert [line for line in lines(metrics.exposition("live")) if line[0] != "#"] == ['tests_cups{process="live"} 3.0']


@pytest.mark.usefixtures("alone")
def test_a_count_is_told_by_its_label() -> None:
    spilled = Count("tests_spilled", "Cups that were spilled.", label="by")
    try:
        spilled.add("Mia")
        spilled.add("Mia", 2)
        spilled.add("Noor", 0)
        assert spilled.so_far() == {"Mia": 3}
    finally:
        counting.counts.pop("tests_spilled", None)


def test_one_name_means_one_thing() -> None:
    with pytest.raises(ValueError, match="two metrics are called tests_cups"):
        metrics.gauge("tests_cups", "Cups in the cupboard.")


def test_everything_the_live_half_counts_has_a_meaning() -> None:
    assert set(measures.COUNTED) == {field.name for field in fields(Counters)}
