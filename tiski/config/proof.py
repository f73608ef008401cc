"""`python -m tiski.config.proof BORN`: tells the instance of this environment that a backup of it was restored."""

from __future__ import annotations

import os
import sys

from . import startup


def main(born: str) -> int:
    """Write it down if the backup was of this instance; another instance's proves nothing here."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiski.config.settings")
    startup.set_up()
    from tiski.kernel import milestones
    from tiski.kernel.backup import snapshot

    if snapshot.born() == born:
        milestones.reach(milestones.RESTORE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
