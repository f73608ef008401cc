"""Who a session belongs to."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend

from tiski.accounts import queries
from tiski.accounts.models import Agent


class AgentBackend(AuthenticationBackend):  # type: ignore[misc]
    """Sign-in as allauth does it; the agent of each later request comes by a statement of its own."""

    def get_user(self, user_id: int) -> Agent | None:
        """The agent, unless they may not sign in any more."""
        agent = queries.agent(user_id)
        return agent if agent is not None and self.user_can_authenticate(agent) else None
