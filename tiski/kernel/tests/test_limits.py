"""Limits in memory and in the database."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction

from tiski.kernel import limits
from tiski.kernel.errors import TooMany
from tiski.kernel.limits import Buckets, allow, allow_stored
from tiski.kernel.models import LimitWindow

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Clock:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticking() -> Clock:
    return Clock()


def test_a_bucket_gives_its_tokens_at_once_and_then_one_by_one(ticking: Clock) -> None:
    buckets = Buckets(clock=ticking)
    taken = [buckets.take("Ada", limit=3, per=60) for _ in range(4)]
    ticking.now += 20

    assert taken == [0, 0, 0, pytest.approx(20)]
    assert buckets.take("Ada", limit=3, per=60) == 0
    assert buckets.take("Ada", limit=3, per=60) == pytest.approx(20)


def test_a_bucket_never_holds_more_than_its_limit(ticking: Clock) -> None:
    buckets = Buckets(clock=ticking)
    buckets.take("Ada", limit=2, per=10)
    ticking.now += 3600

    assert [buckets.take("Ada", limit=2, per=10) > 0 for _ in range(3)] == [False, False, True]


def test_keys_do_not_share_a_bucket(ticking: Clock) -> None:
    buckets = Buckets(clock=ticking)
    buckets.take("Ada", limit=1, per=60)

    assert buckets.take("Grace", limit=1, per=60) == 0


def test_a_refused_attempt_costs_no_token(ticking: Clock) -> None:
    buckets = Buckets(clock=ticking)
    buckets.take("Ada", limit=1, per=10)
    for _ in range(100):
        buckets.take("Ada", limit=1, per=10)
    ticking.now += 10

    assert buckets.take("Ada", limit=1, per=10) == 0


def test_memory_is_bounded_and_the_busiest_keys_are_remembered(ticking: Clock) -> None:
    buckets = Buckets(most=100, clock=ticking)
    for visitor in range(10_000):
        buckets.take("everybody", limit=100_000, per=60)
        buckets.take(f"visitor-{visitor}", limit=1, per=60)

    assert len(buckets) == 100
    assert buckets.take("visitor-9999", limit=1, per=60) > 0
    assert buckets.take("visitor-1", limit=1, per=60) == 0


def test_threads_together_get_no_more_than_the_limit() -> None:
    buckets = Buckets(clock=lambda: 5.0)
    passed: list[int] = []

    def press() -> None:
        passed.extend(1 for _ in range(500) if buckets.take("button", limit=100, per=60) == 0)

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(passed) == 100


def test_the_limit_of_the_process_says_when_to_come_back() -> None:
    limits.buckets.forget_all()
    allow("test", limit=1, per=30)
    with pytest.raises(TooMany) as refused:
        allow("test", limit=1, per=30)

    assert 29 <= refused.value.retry_after <= 30


@pytest.mark.django_db
def test_a_stored_limit_lets_the_agreed_number_through() -> None:
    with time_machine.travel(NOON, tick=False):
        for _ in range(3):
            allow_stored("ack:ada@example.org", limit=3, per=86_400)
        with pytest.raises(TooMany) as refused:
            allow_stored("ack:ada@example.org", limit=3, per=86_400)
        allow_stored("ack:grace@example.org", limit=3, per=86_400)

    assert refused.value.retry_after == 86_400


@pytest.mark.django_db
def test_a_stored_limit_names_nobody() -> None:
    allow_stored("ack:ada@example.org", limit=3, per=86_400)

    (window,) = LimitWindow.objects.all()
    assert len(window.key) == 26
    assert "ada" not in window.key


@pytest.mark.django_db
def test_no_stretch_of_the_period_ever_sees_more_than_the_limit() -> None:
    passed: list[float] = []
    with time_machine.travel(NOON, tick=False) as traveller:
        for minute in range(0, 600, 7):
            traveller.move_to(NOON + timedelta(minutes=minute))
            try:
                allow_stored("reset:ada", limit=5, per=3600)
                passed.append(minute)
            except TooMany:
                continue

    busiest = max(sum(1 for each in passed if start <= each < start + 60) for start in range(540))
    assert busiest == 5
    assert len(passed) >= 35


@pytest.mark.django_db
def test_after_the_period_a_stored_limit_lets_go_again() -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        allow_stored("reset:ada", limit=1, per=3600)
        traveller.move_to(NOON + timedelta(minutes=59))
        with pytest.raises(TooMany) as refused:
            allow_stored("reset:ada", limit=1, per=3600)
        traveller.shift(refused.value.retry_after)
        allow_stored("reset:ada", limit=1, per=3600)


@pytest.mark.django_db
def test_a_clock_that_jumps_back_delays_by_one_period_at_the_most() -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        allow_stored("reset:ada", limit=1, per=60)
        traveller.move_to(NOON - timedelta(days=2))
        with pytest.raises(TooMany) as refused:
            allow_stored("reset:ada", limit=1, per=60)

    assert refused.value.retry_after == 60


@pytest.mark.django_db
def test_counters_nobody_looks_at_are_forgotten() -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        allow_stored("reset:ada", limit=1, per=3600)
        assert limits.forget_expired() == 0
        traveller.shift(3600 + 450 + 1)
        assert limits.forget_expired() == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_attempts_share_one_stored_limit() -> None:
    passed: list[int] = []

    def try_password() -> None:
        for _ in range(5):
            try:
                allow_stored("sign-in:mia", limit=4, per=3600)
                passed.append(1)
            except TooMany:
                continue
        connection.close()

    threads = [threading.Thread(target=try_password) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(passed) == 4


@pytest.mark.django_db(transaction=True)
def test_a_count_goes_with_the_transaction_it_was_made_in() -> None:
    class Spilt(Exception):
        """Undoes the transaction."""

    def count_and_fail() -> None:
        with transaction.atomic():
            allow_stored("ack:ada", limit=1, per=3600)
            raise Spilt

    with pytest.raises(Spilt):
        count_and_fail()

    allow_stored("ack:ada", limit=1, per=3600)
