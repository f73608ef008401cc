"""Facts, deliveries, leases, order, retries, timers and schedules on a real database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
import time_machine
from django.db import transaction

from tiski.kernel.action import SYSTEM, Actor, ActorKind, ChangeInSafeMethod, action, safe_method
from tiski.kernel.events import (
    Emission,
    Event,
    FactRow,
    Heard,
    Outcomes,
    Retry,
    delivering,
    emit,
    emit_many,
    every,
    hears,
    hears_many,
    stream,
    ticking,
)
from tiski.kernel.events.event import events, handlers, handlers_of, schedules
from tiski.kernel.models import Delivery, Fact
from tiski.kernel.scope import OutsideScope, current_shop, shop_scope

pytestmark = pytest.mark.django_db(transaction=True)
MIA = Actor(ActorKind.AGENT, 7, "Mia")
heard: list[tuple[str, int | None]] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class TeaPoured(Event):
    """Tea was poured for a guest."""

    name: ClassVar[str] = "tests.tea_poured"
    guest: int

    @property
    def subject(self) -> str:
        return f"guest-{self.guest}"


@action
def pour(guest: int, *, by: Actor, at: datetime | None = None) -> int:
    """Pour tea."""
    return emit(TeaPoured(guest=guest), by=by, at=at)


@action
def pour_and_break(guest: int, *, by: Actor) -> None:
    """Pour tea and break the cup."""
    pour(guest, by=by)
    raise RuntimeError("the cup broke")


@pytest.fixture(autouse=True)
def only_our_handlers() -> Iterator[None]:
    """Each test subscribes what it needs and leaves the registry as it was."""
    kept = dict(handlers), dict(schedules)
    heard.clear()
    yield
    handlers.clear()
    handlers.update(kept[0])
    handlers_of.pop(TeaPoured.name, None)
    schedules.clear()
    schedules.update(kept[1])
    events.pop("tests.other", None)


def remember(event: TeaPoured, fact: FactRow) -> None:
    """Write down who was served in which shop."""
    heard.append((f"guest {event.guest}", current_shop()))


def test_a_fact_and_its_delivery_are_written_with_the_change_and_run_in_its_shop() -> None:
    hears(TeaPoured)(remember)
    with shop_scope(3):
        pour(12, by=MIA)
    fact = Fact.objects.get()
    assert (fact.shop_id, fact.name, fact.subject, fact.data) == (3, "tests.tea_poured", "guest-12", {"guest": 12})
    assert (fact.actor_kind, fact.actor_id) == ("agent", 7)
    assert delivering.run_due("worker-a") == 1
    assert heard == [("guest 12", 3)]
    assert Delivery.objects.count() == 0


def test_a_rolled_back_change_leaves_neither_fact_nor_delivery() -> None:
    hears(TeaPoured)(remember)
    with shop_scope(3), pytest.raises(RuntimeError):
        pour_and_break(12, by=MIA)
    assert (Fact.objects.count(), Delivery.objects.count()) == (0, 0)


def test_emitting_outside_an_action_is_a_defect() -> None:
    with shop_scope(3), pytest.raises(transaction.TransactionManagementError):
        emit(TeaPoured(guest=1), by=MIA)


def test_emitting_outside_a_shop_is_a_defect() -> None:
    with pytest.raises(OutsideScope):
        pour(1, by=MIA)


def test_an_action_refuses_inside_a_safe_method() -> None:
    token = safe_method.set(True)
    try:
        with shop_scope(3), pytest.raises(ChangeInSafeMethod):
            pour(1, by=MIA)
    finally:
        safe_method.reset(token)
    assert Fact.objects.count() == 0


def test_an_action_without_an_actor_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="must take `by`"):
        action(lambda: None)


def test_a_timer_waits_for_its_time() -> None:
    hears(TeaPoured)(remember)
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    with time_machine.travel(noon, tick=False) as traveller:
        with shop_scope(1):
            pour(5, by=MIA, at=noon + timedelta(minutes=4))
        assert delivering.run_due("worker-a") == 0
        traveller.shift(timedelta(minutes=4))
        assert delivering.run_due("worker-a") == 1
    assert heard == [("guest 5", 1)]


def test_a_failing_handler_is_tried_again_with_back_off_and_then_kept_as_dead() -> None:
    def spill(event: TeaPoured, fact: FactRow) -> None:
        raise ValueError("spilt")

    hears(TeaPoured, tries=2)(spill)
    start = datetime(2026, 11, 22, 12, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as traveller:
        with shop_scope(1):
            pour(5, by=MIA)
        delivering.run_due("worker-a")
        delivery = Delivery.objects.get()
        assert (delivery.tries, delivery.dead_at, delivery.error) == (1, None, "ValueError: spilt")
        assert start <= delivery.due <= start + timedelta(seconds=2)
        traveller.shift(timedelta(seconds=3))
        delivering.run_due("worker-a")
        delivery.refresh_from_db()
        assert (delivery.tries, delivery.dead_at) == (2, start + timedelta(seconds=3))
        traveller.shift(timedelta(days=1))
        assert delivering.run_due("worker-a") == 0
    delivering.retry(delivery.id)
    delivery.refresh_from_db()
    assert (delivery.tries, delivery.dead_at) == (0, None)


def test_asking_for_a_retry_does_not_count_as_a_try() -> None:
    def not_yet(event: TeaPoured, fact: FactRow) -> None:
        raise Retry(timedelta(minutes=1))

    hears(TeaPoured)(not_yet)
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        with shop_scope(1):
            pour(5, by=MIA)
        delivering.run_due("worker-a")
        delivery = Delivery.objects.get()
    assert (delivery.tries, delivery.due) == (0, datetime(2026, 11, 22, 12, 1, tzinfo=UTC))


def test_a_lease_that_runs_out_gives_the_work_to_another_and_voids_the_late_result() -> None:
    hears(TeaPoured)(remember)
    start = datetime(2026, 11, 22, 12, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as traveller:
        with shop_scope(1):
            pour(5, by=MIA)
        late = delivering.claim("paused-worker")
        assert delivering.claim("worker-b") == []
        traveller.shift(timedelta(seconds=61))
        taken = delivering.claim("worker-b")
    assert [(claim.fence, claim.tries) for claim in late + taken] == [(1, 1), (2, 2)]
    delivering._finish(late)
    assert Delivery.objects.count() == 1
    delivering._finish(taken)
    assert Delivery.objects.count() == 0


def test_ordered_deliveries_of_one_subject_run_one_after_another() -> None:
    hears(TeaPoured, ordered=True)(remember)
    with shop_scope(1):
        for guest in (5, 5, 6):
            pour(guest, by=MIA)
    first = delivering.claim("worker-a")
    assert len(first) == 2  # the first of guest 5 and the only one of guest 6
    assert delivering.claim("worker-b") == []
    delivering._finish(first)
    assert len(delivering.claim("worker-b")) == 1


def test_a_stopping_worker_gives_back_what_it_has_not_started() -> None:
    hears(TeaPoured)(remember)
    with shop_scope(1):
        pour(5, by=MIA)
    delivering.run_due("worker-a", stopping=lambda: True)
    assert heard == []
    assert [(claim.tries, claim.fence) for claim in delivering.claim("worker-b")] == [(1, 2)]


def test_many_events_are_written_in_order() -> None:
    hears(TeaPoured)(remember)
    emissions = [Emission(shop, TeaPoured(guest=shop), SYSTEM) for shop in range(1, 1201)]
    with transaction.atomic():
        ids = emit_many(emissions)
    assert ids == sorted(ids)
    assert list(Fact.objects.filter(id=ids[700]).values_list("shop_id", "subject")) == [(701, "guest-701")]
    assert Delivery.objects.count() == 1200


def test_the_stream_gives_published_facts_after_a_position() -> None:
    with shop_scope(1):
        pour(1, by=MIA)
        pour(2, by=MIA)
    stream.publish()
    head = stream.head()
    first, second = stream.after(0)
    assert (first.subject, second.subject, second.position) == ("guest-1", "guest-2", head)
    assert stream.after(head) == []
    assert stream.tail() == first.position


def test_two_workers_make_one_tick_and_it_runs_once() -> None:
    runs: list[int] = []
    every(timedelta(minutes=10))(lambda: runs.append(1))
    start = datetime(2026, 11, 22, 12, 3, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as traveller:
        for _ in range(2):
            ticking.ensure_ticks({})
        ours = Delivery.objects.filter(fact__key__contains="<lambda>")
        assert list(ours.values_list("due", flat=True)) == [datetime(2026, 11, 22, 12, 10, tzinfo=UTC)]
        traveller.shift(timedelta(minutes=7))
        delivering.run_due("worker-a")
        delivering.run_due("worker-a")
    assert runs == [1]


def test_one_broken_delivery_does_not_keep_the_others() -> None:
    def picky(event: TeaPoured, fact: FactRow) -> None:
        if event.guest == 1:
            raise KeyError("allergic")
        remember(event, fact)

    hears(TeaPoured)(picky)
    with shop_scope(1):
        pour(1, by=MIA)
        pour(2, by=MIA)
    delivering.run_due("worker-a")
    assert heard == [("guest 2", 1)]
    assert Delivery.objects.count() == 1


Group = Sequence[Heard[TeaPoured]]


def serve(*served: tuple[int, int]) -> None:
    """Pour tea for guests of shops, in this order."""
    for shop, guest in served:
        with shop_scope(shop):
            pour(guest, by=MIA)


def left() -> list[tuple[dict[str, int], int, str]]:
    """The deliveries that are not done: what they tell, how often they were tried, and what was wrong."""
    found = Delivery.objects.order_by("id").values_list("fact__data", "tries", "error")
    return [(data, tries, error) for data, tries, error in found]


def test_a_handler_of_many_gets_what_is_due_of_one_shop_together_in_order() -> None:
    groups: list[tuple[int, list[int]]] = []

    def carry(several: Group) -> Outcomes:
        groups.append((current_shop(), [each.event.guest for each in several]))
        return [None] * len(several)

    hears_many(TeaPoured, most=3)(carry)
    serve((1, 1), (1, 2), (2, 3), (1, 4), (1, 5))
    assert delivering.run_due("worker-a") == 5
    assert groups == [(1, [1, 2, 4]), (2, [3]), (1, [5])]
    assert left() == []


def test_of_a_group_each_delivery_ends_by_itself() -> None:
    def pick(several: Group) -> Outcomes:
        ends = {2: Retry(timedelta(minutes=1)), 3: ValueError("spilt")}
        return [ends.get(each.event.guest) for each in several]

    hears_many(TeaPoured, most=10)(pick)
    serve((1, 1), (1, 2), (1, 3), (1, 4))
    with time_machine.travel(datetime(2126, 11, 22, 12, tzinfo=UTC), tick=False):
        delivering.run_due("worker-a")
        put_off = Delivery.objects.get(fact__data__guest=2)
    assert left() == [({"guest": 2}, 0, ""), ({"guest": 3}, 1, "ValueError: spilt")]
    assert put_off.due == datetime(2126, 11, 22, 12, 1, tzinfo=UTC)


def test_a_group_that_fails_is_run_one_by_one_and_only_who_is_at_fault_is_tried_again() -> None:
    groups: list[list[int]] = []

    def trip(several: Group) -> Outcomes:
        groups.append([each.event.guest for each in several])
        if any(each.event.guest == 2 for each in several):
            raise KeyError("a step")
        return [None] * len(several)

    hears_many(TeaPoured, most=10)(trip)
    serve((1, 1), (1, 2), (1, 3))
    delivering.run_due("worker-a")
    assert groups == [[1, 2, 3], [1], [2], [3]]
    assert left() == [({"guest": 2}, 1, "KeyError: 'a step'")]


def test_a_worker_that_is_told_to_stop_between_them_gives_back_the_rest_of_a_group_that_failed() -> None:
    groups: list[list[int]] = []

    def trip(several: Group) -> Outcomes:
        groups.append([each.event.guest for each in several])
        if len(several) > 1:
            raise KeyError("a step")
        return [None]

    hears_many(TeaPoured, most=10)(trip)
    serve((1, 1), (1, 2), (1, 3))
    delivering.run_due("worker-a", stopping=lambda: len(groups) == 2)
    assert groups == [[1, 2, 3], [1]]
    assert left() == [({"guest": 2}, 0, ""), ({"guest": 3}, 0, "")]


def test_an_answer_for_another_number_of_events_is_a_failure() -> None:
    hears_many(TeaPoured, most=10)(lambda several: [])
    serve((1, 1))
    delivering.run_due("worker-a")
    assert left() == [({"guest": 1}, 1, "ValueError: 0 outcomes for 1 deliveries")]
