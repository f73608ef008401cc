"""What others may hear about shops, people, hours and sign-ins.

`ip` is where the request came from, for the audit log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tiski.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopCreated(Event):
    """A shop was opened in this instance."""

    name: ClassVar[str] = "accounts.shop_created"
    shop: int
    ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopChanged(Event):
    """The shop's name, language, timezone, logo or colour changed; `fields` names what."""

    name: ClassVar[str] = "accounts.shop_changed"
    shop: int
    fields: list[str]
    ip: str = ""

    @property
    def subject(self) -> str:
        """Pages that show the shop listen to it."""
        return f"shop-{self.shop}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursChanged(Event):
    """The shop's opening hours or their exceptions changed."""

    name: ClassVar[str] = "accounts.hours_changed"
    shop: int
    ip: str = ""

    @property
    def subject(self) -> str:
        """Widgets and pages that show whether the shop is open listen to it."""
        return f"shop-{self.shop}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentInvited(Event):
    """Someone was asked to join the shop."""

    name: ClassVar[str] = "accounts.agent_invited"
    invitation: int
    role: str
    ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationWithdrawn(Event):
    """An invitation was taken back before anyone used it."""

    name: ClassVar[str] = "accounts.invitation_withdrawn"
    invitation: int
    ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipStarted(Event):
    """An agent joined the shop."""

    name: ClassVar[str] = "accounts.membership_started"
    agent: int
    role: str
    invitation: int | None = None
    ip: str = ""

    @property
    def subject(self) -> str:
        """The agent's own topic."""
        return f"agent-{self.agent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipChanged(Event):
    """A member's role changed, or they were suspended or let in again. Raises the live epoch."""

    name: ClassVar[str] = "accounts.membership_changed"
    agent: int
    role: str
    was: str
    suspended: bool = False
    ip: str = ""

    @property
    def subject(self) -> str:
        """The agent's own topic."""
        return f"agent-{self.agent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipEnded(Event):
    """An agent left the shop or was removed. Raises the live epoch."""

    name: ClassVar[str] = "accounts.membership_ended"
    agent: int
    role: str
    ip: str = ""

    @property
    def subject(self) -> str:
        """The agent's own topic."""
        return f"agent-{self.agent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamChanged(Event):
    """A team was made, renamed or removed, or its members changed."""

    name: ClassVar[str] = "accounts.team_changed"
    team: int
    ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSetUp(Event):
    """The instance got its owner."""

    name: ClassVar[str] = "accounts.instance_set_up"
    instance_wide: ClassVar[bool] = True
    agent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChanged(Event):
    """An agent changed their name, photo, language or the look of the console."""

    name: ClassVar[str] = "accounts.profile_changed"
    instance_wide: ClassVar[bool] = True
    agent: int
    fields: list[str]

    @property
    def subject(self) -> str:
        """The agent's own topic."""
        return f"agent-{self.agent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetRequested(Event):
    """Someone asked for a reset letter; `agent` is None when nobody signs in with the address."""

    name: ClassVar[str] = "accounts.password_reset_requested"
    instance_wide: ClassVar[bool] = True
    agent: int | None
    ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(Event):
    """An agent has a new password."""

    name: ClassVar[str] = "accounts.password_changed"
    instance_wide: ClassVar[bool] = True
    agent: int
    ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn(Event):
    """An agent signed in with a browser."""

    name: ClassVar[str] = "accounts.signed_in"
    instance_wide: ClassVar[bool] = True
    agent: int
    ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInFailed(Event):
    """A sign-in was refused; `agent` is None when nobody signs in with the address."""

    name: ClassVar[str] = "accounts.sign_in_failed"
    instance_wide: ClassVar[bool] = True
    agent: int | None
    ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsEnded(Event):
    """Login sessions ended: signed out, revoked, or ended by a change of password or role. Raises the live epoch.

    `sessions` holds their hashed keys, as `AgentSession.session_key` does.
    """

    name: ClassVar[str] = "accounts.sessions_ended"
    instance_wide: ClassVar[bool] = True
    agent: int
    sessions: list[str]
    reason: str
    ip: str = ""

    @property
    def subject(self) -> str:
        """The agent's own topic."""
        return f"agent-{self.agent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDeactivated(Event):
    """An agent can no longer sign in anywhere in this instance. Raises the live epoch."""

    name: ClassVar[str] = "accounts.agent_deactivated"
    instance_wide: ClassVar[bool] = True
    agent: int
    ip: str = ""

    @property
    def subject(self) -> str:
        """The agent's own topic."""
        return f"agent-{self.agent}"
