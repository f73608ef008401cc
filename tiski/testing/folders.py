"""Where tests put throw-away files: memory where there is some, since fsync there costs nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def fast_folder() -> Path:
    """`/dev/shm` when it can be written and has room, else the ordinary temporary folder."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and _free(memory) > 2_000_000_000:
        return memory
    return Path(tempfile.gettempdir())


def _free(folder: Path) -> int:
    space = os.statvfs(folder)
    return space.f_bavail * space.f_frsize
