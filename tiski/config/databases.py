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
    # A log that a long reader made large shrinks again once it has been copied.
    "PRAGMA journal_size_limit=67108864",
)
# How long a lock is waited for, on either database; then the request is refused and may come again.
BUSY_SECONDS = 5


def configure(url: str, data: Path) -> dict[str, Any]:
    """Django's settings of the default database. Empty means SQLite in the data folder."""
    if not url:
        return sqlite(data / "tiski.sqlite3")
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite(Path(unquote(parts.path)))
    if parts.scheme in {"postgresql", "postgres"}:
        options = {"options": f"-c lock_timeout={BUSY_SECONDS}s", **dict(parse_qsl(parts.query))}
        return {
            "ENGINE": "tiski.kernel.quiet_postgresql",
            "NAME": unquote(parts.path.lstrip("/")) or "tiski",
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": options.pop("host", parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": None,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": options | {"server_side_binding": True, "prepare_threshold": 3},
        }
    raise BadSetting(
        f"TISKI_DATABASE_URL starts with {parts.scheme!r}; use sqlite:///path or postgresql://user@host/name."
    )


def redis(url: str) -> str:
    """The address of a Redis, or none; raises `BadSetting` for anything else."""
    if url and (urlsplit(url).scheme not in {"redis", "rediss"} or not urlsplit(url).hostname):
        raise BadSetting("TISKI_REDIS_URL is not an address; use redis://:password@host:6379 or rediss:// for TLS.")
    return url


def sqlite(file: Path) -> dict[str, Any]:
    """SQLite in WAL mode at full durability; writers begin IMMEDIATE, one after the other, instead of failing late."""
    return {
        "ENGINE": "tiski.kernel.queued_sqlite3",
        "NAME": str(file),
        "CONN_MAX_AGE": None,
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": BUSY_SECONDS, "init_command": ";".join(PRAGMAS)},
    }
