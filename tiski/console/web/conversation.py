"""A conversation: its page, header, messages, who has it, and whether it is done."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from tiski.accounts.models import Agent
from tiski.accounts.policies import ShopRequest, answers, reads_inbox, requires
from tiski.conversations import actions as conversations
from tiski.conversations import queries
from tiski.conversations.models import Conversation
from tiski.conversations.queries import opened
from tiski.kernel.errors import Invalid
from tiski.ui.page import show, wants_partial

from . import inbox, panels, shapes
from .frame import view_name
from .places import place


@requires(reads_inbox)
@never_cache
@require_safe
def page(request: ShopRequest, view: str, conversation_id: int) -> HttpResponse:
    """The conversation beside its list; for htmx the pane alone."""
    context = _pane(request, view, queries.header(conversation_id, request.user))
    if wants_partial(request):
        return show(request, "console/conversation.html", **context)
    return show(request, "console/conversation.html", **(inbox.rows_context(request, view, conversation_id) | context))


@requires(reads_inbox)
@never_cache
@require_safe
def header(request: ShopRequest, view: str, conversation_id: int) -> HttpResponse:
    """The header as it stands now."""
    found = queries.header(conversation_id, request.user)
    return show(request, "console/_header.html", header=panels.header(request, view, found))


@requires(reads_inbox)
@never_cache
@require_safe
def customer(request: ShopRequest, view: str, conversation_id: int) -> HttpResponse:
    """The customer panel as it stands now."""
    return show(request, "console/_customer.html", customer=panels.customer(request, view, opened(conversation_id)))


@requires(reads_inbox)
@never_cache
@require_safe
def messages(request: ShopRequest, conversation_id: int) -> HttpResponse:
    """Entries after `?after=<seq>`, or the page of them before `?before=<seq>`."""
    conversation = opened(conversation_id)
    before = _seq(request, "before")
    items = queries.thread(conversation, _seq(request, "after") or 0, before)
    older = _older(request, conversation, items) if before is not None else ""
    return show(request, "console/_entries.html", entries=shapes.rail(request, conversation_id, items), older=older)


@requires(answers)
@require_http_methods(["POST", "DELETE"])
def closure(request: ShopRequest, conversation_id: int) -> HttpResponse:
    """POST closes the conversation, DELETE opens it again."""
    conversation = opened(conversation_id)
    if request.method == "POST":
        conversations.close(conversation, by=request.actor)
        address = place("console-closure", request.shop.key, conversation_id)  # its DELETE takes it back
        text = _("The conversation is closed.")
        return _counted(show(request, "console/_closed.html", text=text, undo=address))
    conversations.reopen(conversation, by=request.actor)
    return _counted(HttpResponse(status=204))


@requires(answers)
@require_http_methods(["POST", "DELETE"])
def assignment(request: ShopRequest, conversation_id: int) -> HttpResponse:
    """POST gives the conversation to `agent`, DELETE gives it back to everyone."""
    conversation = opened(conversation_id)
    if request.method == "DELETE":
        conversations.unassign(conversation, by=request.actor)
        return _counted(HttpResponse(status=204))
    number = request.POST.get("agent", "")
    agent = Agent.objects.filter(id=int(number[:18])).first() if number.isdecimal() else None
    if agent is None:
        raise Invalid(field="agent")
    conversations.assign(conversation, to=agent, by=request.actor)
    if request.headers.get("HX-Request") == "true":
        return _counted(HttpResponse(status=204))
    return redirect("console-conversation", shop=request.shop.key, view="open", conversation_id=conversation_id)


def _counted(response: HttpResponse) -> HttpResponse:
    """Who acted sees the counts of the navigation follow at once, not with the news that all consoles get."""
    response["HX-Trigger"] = '{"turned:inbox": {"target": "body"}}'
    return response


def _pane(request: ShopRequest, view: str, found: queries.Header) -> dict[str, Any]:
    conversation = found.conversation
    items = queries.thread(conversation)
    unread = next((item for item in items if item.author_kind == "customer" and (item.seq or 0) > found.read_seq), None)
    return {
        "view": view,
        "header": panels.header(request, view, found),
        "customer_name": found.customer_name,
        "heading": view_name(view),
        "conversation": conversation,
        "entries": shapes.rail(request, conversation.id, items, unread),
        "older": _older(request, conversation, items),
        "customer": panels.customer(request, view, conversation),
        "box": panels.box(request, conversation, found.last_seq),
        "composer_urls": panels.composer_urls(request, conversation),
        "messages_url": place("console-messages", request.shop.key, conversation.id),
        "read_url": place("console-read-mark", request.shop.key, conversation.id),
    }


def _older(request: ShopRequest, conversation: Conversation, items: list[queries.ThreadItem]) -> str:
    first = next((item.seq for item in items if item.seq is not None), None)
    if first is None or first <= 1:
        return ""
    return f"{place('console-messages', request.shop.key, conversation.id)}?before={first}"


def _seq(request: ShopRequest, name: str) -> int | None:
    given = request.GET.get(name, "")
    return int(given[:18]) if given.isdecimal() else None
