"""What every page of the console carries: navigation, counts, the shops to switch between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from tiski.accounts import policies
from tiski.accounts import queries as accounts
from tiski.accounts.policies import ShopRequest
from tiski.conversations import queries as conversations
from tiski.kernel.errors import NotFound
from tiski.kernel.events import stream

from .places import place

KEYS = {"open": "g-i", "mine": "g-m"}
ICONS = {"open": "inbox", "mine": "user-check", "unassigned": "users", "closed": "circle-check"}
MOST_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation."""

    text: str
    href: str
    icon: str
    is_current: bool
    count: int
    key: str


def view_names() -> dict[str, str]:
    """The views of the inbox as people call them."""
    return {"open": _("Open"), "mine": _("Mine"), "unassigned": _("Unassigned"), "closed": _("Closed")}


def view_name(view: str) -> str:
    """What people call a view; raises `NotFound` for one that does not exist."""
    if view not in ICONS:
        raise NotFound
    return view_names()[view]


def navigation(request: ShopRequest, view: str = "") -> dict[str, Any]:
    """The context of the navigation column; `view` is the open one."""
    counts = conversations.inbox_counts(request.user.id)
    numbers = {"open": counts.open, "mine": counts.mine, "unassigned": counts.unassigned, "closed": 0}
    entries = [
        Entry(
            name,
            place("console-inbox", request.shop.key, key),
            ICONS[key],
            key == view,
            numbers[key],
            KEYS.get(key, ""),
        )
        for key, name in view_names().items()
    ]
    return {
        "socket": f"/{request.shop.key}/live/",
        "poll": f"/{request.shop.key}/news/",
        "after": stream.head(),
        "places": {
            "navigation": place("console-navigation", request.shop.key),
            "search": place("console-search", request.shop.key),
            "profile": place("accounts_profile"),
        },
        "navigation": entries,
        "view": view,
        "shops": accounts.shops_of(request.user),
        "may_run": policies.may(policies.runs_the_shop, request.membership),
        "owns": policies.may(policies.owns_the_shop, request.membership),
        "may_answer": policies.may(policies.answers, request.membership),
    }
