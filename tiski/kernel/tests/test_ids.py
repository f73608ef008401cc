"""Time and identifiers."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import time_machine

from tiski.kernel import clock, ids


def test_the_clock_is_aware_and_in_utc() -> None:
    with time_machine.travel(datetime(2026, 5, 1, 12, tzinfo=UTC), tick=False):
        assert clock.now() == datetime(2026, 5, 1, 12, tzinfo=UTC)
        assert clock.now().tzinfo is UTC


def test_a_uuid_is_of_version_7_and_sorts_by_the_time_it_was_made() -> None:
    first = ids.uuid7()
    time.sleep(0.002)
    second = ids.uuid7()

    assert first.version == 7
    assert str(first) < str(second)


def test_a_key_can_be_read_aloud_and_is_not_made_twice() -> None:
    keys = {ids.key() for _ in range(1000)}

    assert len(keys) == 1000
    assert {len(key) for key in keys} == {10}
    assert set("".join(keys)) <= set("0123456789abcdefghjkmnpqrstvwxyz")
    assert len(ids.key(26)) == 26
