"""What the instance's letters say. Plain text, whole sentences, links from the configured address only."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.http import base36_to_int
from django.utils.translation import gettext as _

from tiski.kernel import clock, tokens
from tiski.kernel.errors import NotFound

from .models import Agent, Invitation, Role

INVITATION = "accounts.invitation"
VALID_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter ready to be sent."""

    to: str
    subject: str
    body: str


class ResetLinks(PasswordResetTokenGenerator):
    """Reset links that work for a day and also die when the agent's sessions are ended, as a change of role does."""

    key_salt = "tiski.accounts.letters.ResetLinks"

    def check_token(self, user: Agent | None, token: str | None) -> bool:
        """Whether the token is this agent's, unused, and not older than a day."""
        if not super().check_token(user, token):
            return False
        made = base36_to_int(str(token).partition("-")[0])
        return self._num_seconds(self._now()) - made <= VALID_SECONDS

    def _make_hash_value(self, user: Agent, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{user.sessions_ended_at}{user.is_active}"


reset_links = ResetLinks()


def invitation_letter(invitation: Invitation) -> Letter:
    """The letter that asks someone to join; its link is signed now and stored nowhere."""
    shop = invitation.shop
    with translation.override(shop.language), timezone.override(ZoneInfo(shop.timezone)):
        until = date_format(timezone.localtime(invitation.expires_at), "DATE_FORMAT")
        inviter = invitation.invited_by.name if invitation.invited_by else shop.name
        paragraphs = [
            _("Hello!"),
            _("%(inviter)s invites you to answer the customers of %(shop)s in Tiski.")
            % {"inviter": inviter, "shop": shop.name},
            _("Your role will be: %(role)s.") % {"role": Role(invitation.role).label},
            _("Open this link and press the button to accept. It works until %(date)s.") % {"date": until},
            invitation_link(invitation),
            _("If you do not know who this is from, you need not do anything."),
        ]
        return Letter(invitation.email, _("Invitation to %(shop)s") % {"shop": shop.name}, "\n\n".join(paragraphs))


def reset_letter(agent: Agent) -> Letter:
    """The letter with which a forgotten password is replaced."""
    with translation.override(agent.language):
        paragraphs = [
            _("Hello %(name)s!") % {"name": agent.name},
            _("Somebody, we hope you, asked for a new password to Tiski."),
            _("Choose a new password here. The link works once, and only for a day."),
            absolute(reverse("account_reset_password_from_key", args=[agent.pk, reset_links.make_token(agent)])),
            _("If it was not you, you need not do anything: your password stays as it is."),
        ]
        return Letter(agent.email, _("A new password for Tiski"), "\n\n".join(paragraphs))


def password_changed_letter(agent: Agent) -> Letter:
    """Tells an agent that their password has changed, in case it was not they who did it."""
    with translation.override(agent.language):
        paragraphs = [
            _("Hello %(name)s!") % {"name": agent.name},
            _("Your password to Tiski has been changed, and you have been signed out everywhere else."),
            _("If it was not you, ask for a new password at once:"),
            absolute(reverse("account_reset_password")),
        ]
        return Letter(agent.email, _("Your password was changed"), "\n\n".join(paragraphs))


def invitation_link(invitation: Invitation) -> str:
    """A link that opens the invitation until it expires; it opens nothing in another shop."""
    remaining = invitation.expires_at - clock.now()
    token = tokens.sign(INVITATION, str(invitation.uuid), remaining, shop=invitation.shop_id)
    return absolute(reverse("accounts_invitation", args=[invitation.shop.key, token]))


def invitation_behind(shop_id: int, token: str) -> Invitation | None:
    """The open invitation a link stands for; None for anything else, the reason is not told."""
    try:
        uuid = tokens.verify(INVITATION, token, shop=shop_id)
    except NotFound:
        return None
    found = Invitation.unscoped.filter(shop_id=shop_id, uuid=uuid).select_related("shop").first()
    return found if found is not None and found.is_open else None


def absolute(path: str) -> str:
    """A path under the configured address; the request's Host header has no say."""
    return f"{settings.TISKI_BASE_URL}{path}"
