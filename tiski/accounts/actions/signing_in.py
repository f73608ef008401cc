"""Signing in, signing out and ending login sessions."""

from __future__ import annotations

from collections.abc import Iterable

from tiski.accounts import whence
from tiski.accounts.errors import SessionNotFound
from tiski.accounts.events import PasswordResetRequested, SessionsEnded, SignedIn, SignInFailed
from tiski.accounts.models import Agent, AgentSession
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM, Actor, action
from tiski.kernel.events import emit


@action
def record_sign_in(agent: Agent, *, by: Actor) -> None:
    """Tell that an agent signed in."""
    emit(SignedIn(agent=agent.pk, ip=whence.address()), by=by)


@action
def record_failed_sign_in(email: str, *, by: Actor = SYSTEM) -> None:
    """Tell that a sign-in was refused; the address itself is not kept, only whose it is."""
    emit(SignInFailed(agent=_agent_id(email), ip=whence.address()), by=by)


@action
def record_sign_out(agent: Agent, *, session: str, by: Actor) -> None:
    """Tell that an agent signed out; `session` is the hashed key."""
    emit(SessionsEnded(agent=agent.pk, sessions=[session], reason="signed_out", ip=whence.address()), by=by)


@action
def request_password_reset(email: str, *, by: Actor = SYSTEM) -> None:
    """Ask for a reset letter. A known and an unknown address cost the same work and give the same answer."""
    emit(PasswordResetRequested(agent=_agent_id(email), ip=whence.address()), by=by)


@action
def end_session(agent: Agent, session: str, *, by: Actor) -> None:
    """End one of the agent's sessions, named by its hashed key."""
    if not _end(agent, AgentSession.objects.filter(agent=agent, session_key=session), reason="revoked", by=by):
        raise SessionNotFound


@action
def end_other_sessions(agent: Agent, *, keep: str, by: Actor) -> int:
    """End every session of the agent but the one with this hashed key; how many ended."""
    return _end(agent, AgentSession.objects.filter(agent=agent).exclude(session_key=keep), reason="revoked", by=by)


def end_all_sessions(agent: Agent, *, reason: str, keep: str | None = None, by: Actor) -> None:
    """Inside another action: end the agent's sessions and void reset letters that are under way."""
    agent.sessions_ended_at = clock.now()
    agent.save(update_fields=["sessions_ended_at"])
    _end(agent, AgentSession.objects.filter(agent=agent).exclude(session_key=keep or ""), reason=reason, by=by)


@action
def clear_expired_sessions(*, by: Actor) -> int:
    """Remove sessions whose time has passed; how many there were."""
    return AgentSession.objects.filter(expire_date__lt=clock.now()).delete()[0]


def _end(agent: Agent, sessions: Iterable[AgentSession], *, reason: str, by: Actor) -> int:
    keys = [session.session_key for session in sessions]
    if keys:
        AgentSession.objects.filter(session_key__in=keys).delete()
        emit(SessionsEnded(agent=agent.pk, sessions=keys, reason=reason, ip=whence.address()), by=by)
    return len(keys)


def _agent_id(email: str) -> int | None:
    return Agent.objects.filter(email=email.strip().lower(), is_active=True).values_list("pk", flat=True).first()
