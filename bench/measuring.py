"""What several parts measure alike: percentiles, processor time of processes, and a generator that does not pause."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import psutil


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of all lies; 0 when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def settle() -> None:
    """Take what this process holds out of Python's collections: walking it took 0.1 s in the middle of a measurement,
    in which the generator sent and read nothing, and the server seemed late. To be called when all is loaded: what
    comes afterwards is walked the more often.
    """
    gc.collect()
    gc.freeze()


def cpu(*processes: psutil.Process) -> float:
    """Seconds of processor time these processes have used so far; one that has ended counts nothing."""
    used = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system
    return used


def family(process: psutil.Process) -> list[psutil.Process]:
    """The process and everything it has started."""
    return [process, *process.children(recursive=True)]
