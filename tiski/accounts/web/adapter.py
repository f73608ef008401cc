"""How django-allauth works here: no sign-up, limits in the database, sign-ins as events, no mail of its own."""

from __future__ import annotations

from typing import Any, NoReturn

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.messages import add_message
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from tiski.accounts import actions as accounts
from tiski.accounts import typed
from tiski.accounts.models import Agent
from tiski.accounts.policies import SIGNED_IN_AT, actor_of
from tiski.accounts.sessions import hashed
from tiski.kernel import clock, limits
from tiski.kernel.errors import TooMany

QUARTER, HOUR = 900.0, 3600.0

FAILURES_OF_AN_ACCOUNT_FROM_AN_ADDRESS = 10, QUARTER
FAILURES_OF_AN_ACCOUNT = 50, HOUR
FAILURES_FROM_AN_ADDRESS = 30, QUARTER
FAILURES_OF_THE_INSTANCE = 1000, HOUR

MESSAGES = {
    "account/messages/password_changed.txt": _("Your password was changed. Everywhere else you have been signed out."),
    "account/messages/logged_out.txt": _("You have signed out."),
}


class SignInAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Tiski's own ways within allauth's flows."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("The email address and the password do not go together. Check both."),
        "incorrect_password": _("This is not your password. Try again."),
        "enter_current_password": _("This is not your present password. Try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: people come by invitation."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """Only paths on this very host; the Host header has no say."""
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The peer's address; a trusted proxy's header has been applied before Django sees the request."""
        return str(request.META.get("REMOTE_ADDR", ""))

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse when too many sign-ins have failed lately; right passwords do not count."""
        for key, limit, per in _limits(self.get_client_ip(request), credentials):
            with transaction.atomic():
                limits.allow_stored(key, limit=limit, per=per)
                transaction.set_rollback(True)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """The agent with this address and password; a deactivated one is told no more than a stranger."""
        agent = super().authenticate(request, **credentials)
        if agent is not None and not agent.is_active:
            self.authentication_failed(request, **credentials)
            return None
        return agent

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the failure and tell the audit log."""
        for key, limit, per in _limits(self.get_client_ip(request), credentials):
            _count(key, limit, per)
        accounts.record_failed_sign_in(str(credentials.get("email", "")))

    def _rollback_login_failed_rl_usage(self) -> None:
        """Nothing to take back: `pre_authenticate` counted nothing."""

    def post_login(self, request: HttpRequest, user: Any, **given: Any) -> HttpResponse:
        """Remember when the password was typed, and tell of the sign-in."""
        request.session[SIGNED_IN_AT] = int(clock.now().timestamp())
        accounts.record_sign_in(user, by=actor_of(user))
        response: HttpResponse = super().post_login(request, user, **given)
        return response

    def logout(self, request: HttpRequest) -> None:
        """End the session and tell of it, so that open sockets close."""
        agent, session = request.user, request.session.session_key
        super().logout(request)
        if isinstance(agent, Agent) and session:
            accounts.record_sign_out(agent, session=hashed(session), by=actor_of(agent))

    def set_password(self, user: Any, password: str) -> None:
        """Change the password; every session but the present one ends."""
        session = self.request.session.session_key if self.request else None
        accounts.change_password(user, password=password, keep_session=hashed(session or ""), by=actor_of(user))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Back to the profile."""
        return reverse("accounts_profile")

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """Back to where one signs in."""
        return reverse("account_login")

    def add_message(  # noqa: PLR0917  allauth's signature
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Say what is worth saying in our own words; the rest of allauth's messages are not shown."""
        ours = MESSAGES.get(message_template or "")
        if ours is not None:
            add_message(request, level, str(ours), extra_tags=extra_tags)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> NoReturn:
        """Never called: letters are written by handlers of events (see `letters`)."""
        raise RuntimeError(f"allauth wants to send {template_prefix}; letters are sent by handlers")


def _limits(ip: str, credentials: dict[str, Any]) -> list[tuple[str, int, float]]:
    account = str(credentials.get("email", "")).strip().lower()[: typed.LONGEST_ADDRESS]
    return [
        (f"sign-in/account-address/{account}/{ip}", *FAILURES_OF_AN_ACCOUNT_FROM_AN_ADDRESS),
        (f"sign-in/account/{account}", *FAILURES_OF_AN_ACCOUNT),
        (f"sign-in/address/{ip}", *FAILURES_FROM_AN_ADDRESS),
        ("sign-in/instance", *FAILURES_OF_THE_INSTANCE),
    ]


def _count(key: str, limit: int, per: float) -> None:
    try:
        limits.allow_stored(key, limit=limit, per=per)
    except TooMany:
        return  # the next attempt meets the limit before its password is looked at
