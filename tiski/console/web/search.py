"""Finding a conversation."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tiski.accounts.policies import ShopRequest, reads_inbox, requires
from tiski.conversations import queries as conversations
from tiski.conversations.queries import Hit
from tiski.ui.page import show

from .frame import navigation
from .inbox import drawn
from .places import place

LONGEST_NUMBER = 18


@requires(reads_inbox)
@never_cache
@require_safe
def page(request: ShopRequest) -> HttpResponse:
    """Conversations whose customer, address or number is `?q=`, and messages in which it was said, newest first.

    With `&before=` messages alone: those older than the one of that number.
    """
    words = request.GET.get("q", "")[:200]
    before = _number(request.GET.get("before", ""))
    found = conversations.search(request.shop, request.user, words) if before is None else []
    said = conversations.said(request.shop, words, before)
    here = place("console-search", request.shop.key)
    return show(
        request,
        "console/search.html",
        words=words,
        count=len(found),
        rows=drawn(request, found),
        hits=[(hit, _address(request, hit)) for hit in said.hits],
        older=f"{here}?{urlencode({'q': words, 'before': said.next})}" if said.next else "",
        is_first=before is None,
        **navigation(request),
    )


def _address(request: ShopRequest, hit: Hit) -> str:
    view = "closed" if hit.is_closed else "open"
    return place("console-conversation", request.shop.key, view, hit.conversation_id)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER else None
