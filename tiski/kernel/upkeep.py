"""What the kernel throws away by itself, once a day on one worker."""

from __future__ import annotations

from datetime import timedelta

from . import blobs, limits, tokens
from .events import every


@every(timedelta(days=1))
def throw_away_what_has_expired() -> None:
    """Used tokens and counters past their time, and files that no row speaks of any more."""
    tokens.forget_expired()
    limits.forget_expired()
    blobs.sweep()
