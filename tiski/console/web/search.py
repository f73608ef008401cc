"""Finding a conversation."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tiski.accounts.policies import ShopRequest, reads_inbox, requires
from tiski.conversations import queries as conversations
from tiski.ui.page import show

from .frame import navigation
from .inbox import lines


@requires(reads_inbox)
@never_cache
@require_safe
def page(request: ShopRequest) -> HttpResponse:
    """Conversations that match `?q=`: customer, address, subject or number."""
    words = request.GET.get("q", "")[:200]
    found = conversations.search(request.shop, request.user, words)
    return show(request, "console/search.html", words=words, lines=lines(request, found), **navigation(request))
