"""`tiski worker` with leases as short as HASTY_LEASE says (seconds), and a schedule that strikes every two seconds.

    shop.process("worker", module="tiski.testing.hasty_worker", environment={"HASTY_LEASE": "2"})

What a lease protects takes minutes to see with the leases of earnest.
"""

from __future__ import annotations

import os
import sys
import threading
from datetime import timedelta

from tiski.config import cli


def strike() -> None:
    """Something that is to happen once in two seconds, whoever does it."""


def report_for_duty(stop: threading.Event) -> None:
    """Say that the threads run."""
    print("at work", flush=True)


def main() -> int:
    """Run a command of `tiski` with short leases."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiski.config.settings")
    import django

    django.setup()
    from tiski.channels.email.actions import cursors
    from tiski.conversations.actions import outbox
    from tiski.kernel import worker
    from tiski.kernel.events import delivering, every

    if "HASTY_LEASE" in os.environ:
        lease = timedelta(seconds=float(os.environ["HASTY_LEASE"]))
        delivering.LEASE = outbox.LEASE = cursors.LEASE = lease
    every(timedelta(seconds=2))(strike)
    worker.service(report_for_duty)
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
