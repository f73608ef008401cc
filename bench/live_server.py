"""`tiski live` with the visitors' limits lifted: they are still counted, but a generator is not a shopper."""

from __future__ import annotations

import sys
from dataclasses import replace

from tiski.config import cli


def main() -> int:
    """Run the live half with generous limits."""
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiski.config.settings")
    from tiski.config import startup, supervisor

    startup.prepare()
    from tiski.channels.chat.plugs import writing
    from tiski.kernel import live
    from tiski.kernel.live.entrance import entrances

    writing.VISITOR_LIMITS = ((10_000_000, 10.0), (10_000_000, 600.0))
    writing.STARTS = (10_000_000, 60.0)
    for entrance in entrances:
        entrance.codec.step, entrance.codec.tolerance = 1e-9, 1.0
    live.app.sockets.limits = replace(live.app.sockets.limits, per_address=1_000_000)
    return supervisor.serve({"live"})


if __name__ == "__main__":
    cli._set_environment(cli.parser().parse_args(["live"]))
    sys.exit(main())
