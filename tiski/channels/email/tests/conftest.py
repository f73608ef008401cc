"""Fixtures for the mail's tests; the mailbox itself is `post`, from `tiski.testing`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from django.test import override_settings

import tiski


@pytest.fixture
def travel() -> Callable[[datetime], time_machine.travel]:
    """Be at another moment, where time stands still."""
    return lambda moment: time_machine.travel(moment.astimezone(UTC), tick=False)


@pytest.fixture
def catalogues() -> Iterator[None]:
    """Finnish and Swedish, which tests otherwise do without."""
    with override_settings(LOCALE_PATHS=[Path(tiski.__file__).parent / "locale"]):
        yield
