"""`tiski worker` with the handler of `bench.bells` beside its own."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path


def main() -> int:
    """Work until a signal, then leave the notes in the file that is named."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiski.config.settings")
    from bench import bells
    from tiski.config import startup

    startup.prepare()
    from tiski.kernel import worker

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    Path(sys.argv[1]).with_suffix(".ready").touch()
    worker.run(stop)
    Path(sys.argv[1]).write_text(json.dumps(bells.notes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
