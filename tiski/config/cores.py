"""Which cores this thread, and those it starts, may compute on; systems that cannot say so let it compute on all."""

from __future__ import annotations

import os
from collections.abc import Collection


def allowed() -> frozenset[int]:
    """The cores that are open to this thread; none where the system does not say."""
    return frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset()


def keep_to(cores: Collection[int]) -> None:
    """Compute on these alone from now on."""
    if cores:
        os.sched_setaffinity(0, cores)
