"""Django's PostgreSQL backend without a `SELECT 1` before the first statement of every request."""

from __future__ import annotations

import select
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is asked whether it works when its server has said something nobody waited for.

    A server that ends, or ends this connection, closes the socket, and so a socket with nothing to read is one that
    works. Whoever is asked all the same costs a tenth of all statements of a busy day.
    """

    health_check_enabled: bool
    health_check_done: bool

    def close_if_health_check_failed(self) -> None:
        """As Django's, once for each request."""
        if self.connection is not None and self.health_check_enabled and not self.health_check_done:
            self.health_check_done = _is_quiet(self.connection)
        super().close_if_health_check_failed()


def _is_quiet(connection: Any) -> bool:
    """Whether the connection is open and nothing has come for it."""
    if connection.closed:
        return False
    watched = select.poll()
    watched.register(connection.fileno(), select.POLLIN)
    return not watched.poll(0)
