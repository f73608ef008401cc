"""What has expired goes by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import transaction
from pytest_django.fixtures import Settings

from tiski.kernel import blobs, limits, tokens, upkeep
from tiski.kernel.events.event import schedules
from tiski.kernel.models import Blob, LimitWindow, SpentToken

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_a_daily_round_takes_what_has_expired_and_nothing_else(settings: Settings, tmp_path: Path) -> None:
    settings.TISKI_DATA = tmp_path
    with time_machine.travel(NOON - timedelta(days=31), tick=False) as traveller:
        for ttl in (timedelta(hours=1), timedelta(days=60)):
            with transaction.atomic():
                tokens.spend(tokens.sign("invite", "mia", ttl, shop=7))
        traveller.move_to(NOON)
        for per in (60.0, 30 * 86_400.0):
            limits.allow_stored(f"ack:{per}", limit=3, per=per)
        blobs.store(7, "a", b"tea")
        traveller.shift(timedelta(days=3))
        upkeep.throw_away_what_has_expired()

    assert [SpentToken.objects.count(), LimitWindow.objects.count(), Blob.unscoped.count()] == [1, 1, 1]


def test_the_round_is_made_once_a_day() -> None:
    assert schedules["kernel.upkeep.throw_away_what_has_expired"].every == timedelta(days=1)
