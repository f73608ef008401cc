"""What agents change about themselves, and the end of an agent."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.hashers import make_password

from tiski.accounts import typed, whence
from tiski.accounts.events import AgentDeactivated, PasswordChanged, ProfileChanged
from tiski.accounts.models import Agent
from tiski.kernel.action import Actor, action
from tiski.kernel.events import emit
from tiski.kernel.tokens import BadToken

from .signing_in import end_all_sessions


@action
def update_profile(
    agent: Agent, *, name: str, language: str, theme: str, density: str, single_keys: bool, by: Actor
) -> None:
    """Change the name colleagues and customers see, the language, and how the console looks and listens to keys."""
    changes = {
        "name": typed.name(name),
        "language": typed.language(language),
        "theme": typed.theme(theme),
        "density": typed.density(density),
        "single_keys": single_keys,
    }
    _change(agent, changes, by=by)


@action
def set_photo(agent: Agent, photo: str, *, by: Actor) -> None:
    """Show this face beside the agent's answers; `photo` is a blob's id, empty for none."""
    _change(agent, {"photo": photo}, by=by)


def change_password(agent: Agent, *, password: str, keep_session: str | None = None, by: Actor) -> None:
    """Give an agent a new password and end their sessions, all but the one given by its hashed key.

    The slow hash is made before the transaction, which on SQLite holds the only write lock.
    """
    _keep_password(agent, hashed=make_password(password), keep_session=keep_session, by=by)


def reset_password(agent: Agent, *, password: str, by: Actor) -> None:
    """Give the agent a new password by a link that was checked for them as they are given; `change_password` otherwise.

    Of several who press the same link at once one succeeds; raises BadToken for the others.
    """
    _keep_password(agent, hashed=make_password(password), keep_session=None, once=True, by=by)


@action
def deactivate_agent(agent: Agent, *, by: Actor) -> None:
    """Shut an agent out of the whole instance and end their sessions."""
    agent.is_active = False
    agent.save(update_fields=["is_active"])
    emit(AgentDeactivated(agent=agent.pk, ip=whence.address()), by=by)
    end_all_sessions(agent, reason="deactivated", by=by)


@action
def _keep_password(agent: Agent, *, hashed: str, keep_session: str | None, once: bool = False, by: Actor) -> None:
    known = Agent.objects.filter(pk=agent.pk)
    if not (known.filter(password=agent.password) if once else known).update(password=hashed):
        raise BadToken
    agent.password = hashed
    emit(PasswordChanged(agent=agent.pk, ip=whence.address()), by=by)
    end_all_sessions(agent, reason="password", keep=keep_session, by=by)


def _change(agent: Agent, changes: Mapping[str, object], *, by: Actor) -> None:
    changed = [field for field, value in changes.items() if getattr(agent, field) != value]
    if not changed:
        return
    for field in changed:
        setattr(agent, field, changes[field])
    agent.save(update_fields=changed)
    emit(ProfileChanged(agent=agent.pk, fields=changed), by=by)
