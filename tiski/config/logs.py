"""Structured logs: one JSON object per line, secrets redacted."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import orjson

from tiski.kernel.secrets import redact

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Time, level, logger, message, the extra fields, and the traceback when there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        line |= {name: _shown(value) for name, value in vars(record).items() if name not in STANDARD}
        if record.exc_info:
            line["error"] = redact(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode()


def _shown(value: Any) -> Any:
    return redact(value) if isinstance(value, str) else value
