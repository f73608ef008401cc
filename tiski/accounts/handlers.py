"""What accounts does when it hears: sends the instance's letters, keeps the audit log, sweeps old sessions."""

from __future__ import annotations

from datetime import timedelta

from tiski.kernel.action import SYSTEM
from tiski.kernel.errors import SendFailed
from tiski.kernel.events import Event, FactRow, every, hears

from . import actions as accounts
from . import events, letters
from .letters import Letter
from .mail import send_system_mail
from .models import Agent, Invitation

AUDITED: tuple[type[Event], ...] = (
    events.ShopCreated,
    events.ShopChanged,
    events.HoursChanged,
    events.AgentInvited,
    events.InvitationWithdrawn,
    events.MembershipStarted,
    events.MembershipChanged,
    events.MembershipEnded,
    events.TeamChanged,
    events.InstanceSetUp,
    events.PasswordResetRequested,
    events.PasswordChanged,
    events.SignedIn,
    events.SignInFailed,
    events.SessionsEnded,
    events.AgentDeactivated,
)


for _audited in AUDITED:
    accounts.keep_in_the_audit_log(_audited)


@hears(events.AgentInvited)
def send_the_invitation(event: events.AgentInvited, fact: FactRow) -> None:
    """Write to the one invited, unless the invitation is gone by now."""
    invitation = Invitation.objects.filter(pk=event.invitation).select_related("shop", "invited_by").first()
    if invitation is not None and invitation.is_open:
        _send(letters.invitation_letter(invitation))


@hears(events.PasswordResetRequested)
def send_the_reset_letter(event: events.PasswordResetRequested, fact: FactRow) -> None:
    """Write to the agent, if there is one with the address."""
    agent = None if event.agent is None else Agent.objects.filter(pk=event.agent, is_active=True).first()
    if agent is not None:
        _send(letters.reset_letter(agent))


@hears(events.PasswordChanged)
def tell_of_the_new_password(event: events.PasswordChanged, fact: FactRow) -> None:
    """Write to the agent, so that a stranger's change does not stay unseen."""
    agent = Agent.objects.filter(pk=event.agent, is_active=True).first()
    if agent is not None:
        _send(letters.password_changed_letter(agent))


@every(timedelta(days=1))
def sweep_expired_sessions() -> None:
    """Remove login sessions whose time has passed."""
    accounts.clear_expired_sessions(by=SYSTEM)


def _send(letter: Letter) -> None:
    """A letter the server will never take is given up: trying again would only repeat the refusal."""
    try:
        send_system_mail(letter.to, letter.subject, letter.body)
    except SendFailed as failed:
        if not failed.permanent:
            raise
