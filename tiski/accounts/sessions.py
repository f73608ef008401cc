"""Django's session engine with hashed keys: a copy of the database opens no session.

The content is plain JSON. Whoever could change it in the database could change the agent's row as well, so a signature
would protect nothing and cost each request its part.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from tiski.kernel import clock, rows
from tiski.kernel.reading import fetch

from .models import AgentSession

SEEN_EVERY = 600
"""Seconds between two notes of when a session was last seen: a note costs one write."""

NOTE = "client"
CONTENT = "SELECT session_data FROM accounts_agentsession WHERE session_key = %s AND expire_date > %s"


class SessionStore(DatabaseStore):
    """Sessions in `AgentSession`, found by the hash of the cookie's value and labelled with their agent and browser."""

    @classmethod
    def get_model_class(cls) -> type[AgentSession]:
        """The model that holds the sessions."""
        return AgentSession

    def create_model_instance(self, data: dict[str, Any]) -> AgentSession:
        """The row for the session's present content."""
        note = data.get(NOTE, {})
        agent = data.get(SESSION_KEY)
        key: str = self._get_or_create_session_key()  # type: ignore[attr-defined]
        return AgentSession(
            session_key=hashed(key),
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            agent_id=int(agent) if agent else None,
            user_agent=note.get("user_agent", ""),
            ip=note.get("ip") or None,
            created_at=_moment(note.get("created")),
            last_seen_at=_moment(note.get("seen")),
        )

    def exists(self, session_key: str | None) -> bool:
        """Whether a session with this cookie value exists."""
        return session_key is not None and super().exists(hashed(session_key))

    def delete(self, session_key: str | None = None) -> None:
        """End the session with this cookie value, or the present one."""
        ending = session_key or self.session_key
        if ending is not None:
            super().delete(hashed(ending))

    def encode(self, session_dict: dict[str, Any]) -> str:
        """The content as it is stored."""
        return json.dumps(session_dict)

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """What was stored; an unreadable session is an empty one."""
        try:
            content: dict[str, Any] = json.loads(session_data)
        except ValueError:
            return {}
        return content

    def load(self) -> dict[str, Any]:
        """The content of a session that has not ended; every request asks for it."""
        found = fetch(CONTENT, [hashed(self.session_key or ""), rows.moment(clock.now())])
        if not found:
            self._session_key = None
            return {}
        return self.decode(found[0][0])


def hashed(cookie: str) -> str:
    """What is stored for a cookie's value: 160 bits of its SHA-256, as many as the column holds."""
    return hashlib.sha256(cookie.encode()).hexdigest()[:40]


def note_client(session: SessionBase, *, ip: str, user_agent: str) -> None:
    """Remember which browser the session belongs to and, once in a while, that it was seen."""
    now = int(clock.now().timestamp())
    known = session.get(NOTE)
    if known and now - known["seen"] < SEEN_EVERY and known["ip"] == ip and known["user_agent"] == user_agent[:200]:
        return
    created = known["created"] if known else now
    session[NOTE] = {"ip": ip, "user_agent": user_agent[:200], "created": created, "seen": now}


def _moment(timestamp: int | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, tz=clock.now().tzinfo)
