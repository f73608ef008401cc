"""From `TISKI_DATABASE_URL` to Django's connection settings, with the durability of reliability.md 5."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .environment import BadSetting

PRAGMAS = (
    "PRAGMA journal_mode=wal",
    "PRAGMA synchronous=FULL",
    "PRAGMA mmap_size=0",
    "PRAGMA foreign_keys=1",
    "PRAGMA cache_size=-16000",
    "PRAGMA temp_store=MEMORY",
)
BUSY_SECONDS = 5


def configure(url: str, data: Path) -> dict[str, Any]:
    """Django's settings of the default database. Empty means SQLite in the data folder."""
    if not url:
        return sqlite(data / "tiski.sqlite3")
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite(Path(unquote(parts.path)))
    if parts.scheme in {"postgresql", "postgres"}:
        options = dict(parse_qsl(parts.query))
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")) or "tiski",
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": options.pop("host", parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": None,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": options,
        }
    raise BadSetting(
        f"TISKI_DATABASE_URL starts with {parts.scheme!r}; use sqlite:///path or postgresql://user@host/name."
    )


def sqlite(file: Path) -> dict[str, Any]:
    """SQLite in WAL mode at full durability; writers begin IMMEDIATE so that they queue instead of failing late."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        "CONN_MAX_AGE": None,
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": BUSY_SECONDS, "init_command": ";".join(PRAGMAS)},
    }
