"""Reading login sessions: an agent's own list, and who stands behind a cookie at the live half's door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from tiski.accounts.models import Agent, AgentSession
from tiski.accounts.sessions import SessionStore, hashed
from tiski.kernel import clock


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One signed-in browser in the list; `device` is its user agent as sent."""

    id: str
    device: str
    ip: str
    created_at: datetime | None
    last_seen_at: datetime | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class SignedInAgent:
    """Who a login cookie belongs to, when it ends, and the id of the session as `SessionsEnded` names it."""

    agent_id: int
    name: str
    session: str
    language: str
    expires_at: datetime


def sessions_of(agent: Agent, *, current: str | None) -> list[SessionRow]:
    """The agent's sessions that still open something, the present browser first, then the last seen."""
    here = hashed(current) if current else ""
    found = AgentSession.objects.filter(agent=agent, expire_date__gt=clock.now()).order_by("-last_seen_at")
    rows = [
        SessionRow(
            row.session_key, row.user_agent, row.ip or "", row.created_at, row.last_seen_at, row.session_key == here
        )
        for row in found
    ]
    return sorted(rows, key=lambda row: not row.is_current)


def signed_in(cookie: str) -> SignedInAgent | None:
    """The agent whose login cookie this is; None when it has ended, the password changed or the agent is gone."""
    content = SessionStore(cookie).load() if cookie else {}
    if BACKEND_SESSION_KEY not in content:
        return None
    agent = Agent.objects.filter(pk=content[SESSION_KEY], is_active=True).first()
    if agent is None or not constant_time_compare(content.get(HASH_SESSION_KEY, ""), agent.get_session_auth_hash()):
        return None
    ends = AgentSession.objects.filter(session_key=hashed(cookie)).values_list("expire_date", flat=True).first()
    return None if ends is None else SignedInAgent(agent.pk, agent.name, hashed(cookie), agent.language, ends)
