"""Who may do what. A route without a policy is a defect that `routes_without_policy` finds: deny by default."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, wraps
from inspect import signature
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.handlers.wsgi import WSGIRequest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme

from tiski.kernel import clock
from tiski.kernel.action import Actor, ActorKind
from tiski.kernel.reading import columns, fetch, made
from tiski.kernel.scope import shop_scope

from .errors import RoleTooLow, ShopNotFound
from .models import Agent, Membership, Role, Shop

FRESH_SECONDS = 900
"""How long a typed password counts as fresh for sensitive changes."""

SIGNED_IN_AT = "signed_in_at"
_SHOP_AT = len(Membership._meta.concrete_fields)


@dataclass(frozen=True, slots=True)
class Policy:
    """A named rule on a member's role; an empty set of roles means that membership is not asked for."""

    name: str
    roles: frozenset[Role]

    def allows(self, role: str | None) -> bool:
        """Whether a member with this role may; strangers (None) never may."""
        return role in self.roles


reads_inbox = Policy("reads_inbox", frozenset(Role))
answers = Policy("answers", frozenset({Role.OWNER, Role.ADMIN, Role.AGENT}))
runs_the_shop = Policy("runs_the_shop", frozenset({Role.OWNER, Role.ADMIN}))
owns_the_shop = Policy("owns_the_shop", frozenset({Role.OWNER}))

is_signed_in = Policy("is_signed_in", frozenset())
is_anyone = Policy("is_anyone", frozenset())


class AgentRequest(WSGIRequest):
    """What a view under `signed_in` is given."""

    user: Agent
    actor: Actor


class ShopRequest(AgentRequest):
    """What a view under `requires` is given: the shop of its address, the caller's membership and the actor."""

    shop: Shop
    membership: Membership


class View(Protocol):
    """A view that has named its policy."""

    policy: Policy

    def __call__(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer the request."""


AnyView = TypeVar("AnyView", bound=Callable[..., Any])


def may(policy: Policy, member: Membership | None) -> bool:
    """Whether a member may, now."""
    return member is not None and member.is_current and policy.allows(member.role)


def membership(agent: Agent, shop_key: str) -> Membership | None:
    """The agent's current membership in the shop with this key, its shop loaded; None for strangers and leavers."""
    found = fetch(_membership_of(), [agent.pk, shop_key])
    if not found:
        return None
    member, shop = made(Membership, found[0][:_SHOP_AT]), made(Shop, found[0][_SHOP_AT:])
    member.shop, member.agent = shop, agent
    return member


def actor_of(agent: Agent) -> Actor:
    """The agent as the one who does something."""
    return Actor(ActorKind.AGENT, agent.pk, agent.name)


def requires(policy: Policy, *, fresh: bool = False) -> Callable[[Callable[..., Any]], View]:
    """Open the view to members whom the policy allows, inside the scope of the shop whose key is in the address.

    The view is given `request.shop`, `request.membership` and `request.actor`, and the key itself only if it takes a
    parameter `shop`. Strangers, former and suspended members get the same 404 as for a shop that does not exist; who is
    not signed in is asked to. With `fresh`, the password must have been typed within the last quarter of an hour.
    """

    def decorate(view: Callable[..., Any]) -> View:
        takes_key = "shop" in signature(view).parameters

        @wraps(view)
        def guarded(request: Any, *args: Any, shop: str, **kwargs: Any) -> Any:
            if not request.user.is_authenticated:
                return ask_to_sign_in(request)
            member = membership(request.user, shop)
            if member is None:
                raise ShopNotFound
            _introduce(request)
            request.shop, request.membership = member.shop, member
            if not may(policy, member):
                raise RoleTooLow
            if fresh and not is_fresh(request):
                raise ReauthenticationRequired
            if takes_key:
                kwargs["shop"] = shop
            with shop_scope(member.shop_id), timezone.override(member.shop.timezone):
                return view(request, *args, **kwargs)

        return _named(guarded, policy)

    return decorate


def signed_in(view: Callable[..., Any]) -> View:
    """Open the view to everyone who is signed in; it belongs to the instance and sees no shop's rows."""

    @wraps(view)
    def guarded(request: Any, *args: Any, **kwargs: Any) -> Any:
        if not request.user.is_authenticated:
            return ask_to_sign_in(request)
        _introduce(request)
        return view(request, *args, **kwargs)

    return _named(guarded, is_signed_in)


def public(view: AnyView) -> AnyView:
    """Mark a view that is deliberately open to everyone."""
    view.policy = is_anyone  # type: ignore[attr-defined]
    return view


def is_fresh(request: Any) -> bool:
    """Whether the password was typed in this session within the last quarter of an hour."""
    typed_at = request.session.get(SIGNED_IN_AT, 0)
    return bool(clock.now().timestamp() - typed_at < FRESH_SECONDS)


def ask_to_sign_in(request: Any) -> Any:
    """Lead to the sign-in page and back: a redirect, or for htmx a 401 that makes the whole page go there."""
    if request.headers.get("HX-Request") != "true":
        return redirect_to_login(request.get_full_path() if request.method == "GET" else "/", str(settings.LOGIN_URL))
    response = redirect_to_login(_page_of(request), str(settings.LOGIN_URL))
    response.status_code = 401
    response["HX-Redirect"] = response["Location"]
    del response["Location"]
    return response


def routes_without_policy(patterns: Iterable[URLPattern | URLResolver] | None = None) -> list[str]:
    """Routes of the URLconf whose view names no policy."""
    found = get_resolver().url_patterns if patterns is None else patterns
    return [route for route, view in _routes(found, "") if not isinstance(getattr(view, "policy", None), Policy)]


def _routes(patterns: Iterable[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        else:
            yield route, pattern.callback


@cache
def _membership_of() -> str:
    return f"""
        SELECT {columns(Membership, "m")}, {columns(Shop, "s")} FROM accounts_membership m
        JOIN accounts_shop s ON s.id = m.shop_id JOIN accounts_agent a ON a.id = m.agent_id
        WHERE m.agent_id = %s AND s.key = %s AND m.left_at IS NULL AND m.suspended_at IS NULL AND a.is_active
    """  # noqa: S608  names of our own columns


def _introduce(request: Any) -> None:
    """Name the actor and speak their language; activated, not overridden, so that a refusal speaks it too."""
    request.actor = actor_of(request.user)
    translation.activate(request.user.language)
    request.LANGUAGE_CODE = request.user.language


def _page_of(request: Any) -> str:
    current = request.headers.get("HX-Current-URL", "")
    if not url_has_allowed_host_and_scheme(current, {request.get_host()}):
        return "/"
    parts = urlsplit(current)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _named(view: Any, policy: Policy) -> View:
    view.policy = policy
    named: View = view
    return named
