"""Which request a log line belongs to."""

from __future__ import annotations

import logging
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id that the answer carries in `X-Request-Id` and that error pages show; empty outside a request."""


class NamesTheRequest(logging.Filter):
    """Gives each log record the field `request_id`, where there is a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, with its request."""
        current = request_id.get()
        if current:
            record.request_id = current
        return True
