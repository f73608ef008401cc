"""What every request leaves behind: where it came from, which browser was seen, and who tried what they may not."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponseBase

from tiski.accounts import actions as accounts
from tiski.accounts import queries, whence
from tiski.accounts.errors import ShopNotFound
from tiski.accounts.models import Agent
from tiski.accounts.policies import actor_of
from tiski.accounts.sessions import note_client
from tiski.kernel.errors import NotAllowed

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class AccountsMiddleware:
    """Stands last in the list, next to the view, so that it sees refusals before they become pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Django's middleware protocol."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request, saying where it came from."""
        with whence.coming_from(request.META.get("REMOTE_ADDR", "")):
            response = self.get_response(request)
        if not response.headers.get("Cache-Control", "").startswith("public"):
            _note_client(request)
        return response

    def process_exception(self, request: HttpRequest, refusal: Exception) -> None:
        """Keep refused changes in the audit log. Refused reading leaves no entry, because a GET changes nothing."""
        agent = request.user
        if request.method in SAFE_METHODS or not isinstance(agent, Agent):
            return
        shop = getattr(request, "shop", None)
        if isinstance(refusal, NotAllowed):
            shop_id = None if shop is None else shop.pk
            accounts.record("accounts.refused", shop=shop_id, on=_place(request), outcome="refused", by=actor_of(agent))
        elif isinstance(refusal, ShopNotFound):
            _record_former_member(request, agent)


def _note_client(request: HttpRequest) -> None:
    """Only where a session is in play anyway, and never for what caches keep: looking would make it private."""
    if not (request.session.modified or settings.SESSION_COOKIE_NAME in request.COOKIES):
        return
    if request.session.get(SESSION_KEY):
        address, browser = request.META.get("REMOTE_ADDR", ""), request.headers.get("User-Agent", "")
        note_client(request.session, ip=address, user_agent=browser)


def _record_former_member(request: HttpRequest, agent: Agent) -> None:
    route = request.resolver_match
    shop_id = queries.former_shop(agent, route.kwargs.get("shop", "") if route else "")
    if shop_id is not None:
        accounts.record(
            "accounts.former_member_refused",
            shop=shop_id,
            on=_place(request),
            outcome="refused",
            by=actor_of(agent),
        )


def _place(request: HttpRequest) -> str:
    """The route, not the address: an address may hold a token."""
    return (request.resolver_match.view_name or "")[:80] if request.resolver_match else ""
