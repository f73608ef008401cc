"""The inbox: its page, one row by itself, and the navigation that counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tiski.accounts.policies import ShopRequest, reads_inbox, requires
from tiski.channels.email import queries as mail
from tiski.conversations import queries as conversations
from tiski.conversations.queries import InboxRow
from tiski.kernel import clock
from tiski.ui.page import show, wants_partial

from .frame import navigation as frame
from .frame import view_name, view_names

WAITING_LONG = timedelta(minutes=30)
WAITING_TOO_LONG = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Chip:
    """A few words on a tint."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row as `ui/parts/_row.html` draws it."""

    id: int
    customer_name: str
    subject: str
    snippet: str
    channel_kind: str
    last_at: datetime
    unread: bool
    waiting_since: datetime | None
    chip: Chip | None
    draft: bool
    viewers: tuple[str, ...]
    href: str


@requires(reads_inbox)
@never_cache
@require_safe
def page(request: ShopRequest, view: str) -> HttpResponse:
    """A view of the inbox with nothing opened; for htmx the pane alone, or the rows alone."""
    if wants_partial(request) and not {"before", "rows"}.isdisjoint(request.GET):
        return show(request, "console/_rows.html", **rows_context(request, view))
    if wants_partial(request):
        return show(request, "console/_nothing_open.html", heading=view_name(view))
    return show(request, "console/inbox.html", **rows_context(request, view))


@requires(reads_inbox)
@never_cache
@require_safe
def row(request: ShopRequest, view: str, conversation_id: int) -> HttpResponse:
    """One row as it stands now; 204 when it is no longer in this view."""
    found = conversations.row(conversation_id, view, request.user)
    if found is None:
        return HttpResponse(status=204)
    return show(request, "console/_row.html", line=line(request, view, found), current=None)


@requires(reads_inbox)
@never_cache
@require_safe
def navigation(request: ShopRequest) -> HttpResponse:
    """The navigation with its counts."""
    view = request.GET.get("view", "")
    known = view in view_names() or view == "settings"
    return show(request, "console/_navigation.html", **frame(request, view if known else ""))


def rows_context(request: ShopRequest, view: str, current: int | None = None) -> dict[str, Any]:
    """Navigation and rows of a view."""
    framed = frame(request, view)  # first: it notes the place in the sequence from which news is needed
    found = conversations.inbox(request.shop, request.user, view, request.GET.get("before"))
    here = reverse("console-inbox", args=[request.shop.key, view])
    return framed | {
        "troubled": mail.troubled_mailboxes() if framed["may_run"] else [],
        "heading": view_name(view),
        "lines": [line(request, view, each) for each in found.rows],
        "older": f"{here}?before={found.next}" if found.next else "",
        "row_url": f"{here}conversations/{{key}}/row/",
        "rows_url": f"{here}?rows=first",
        "current": current,
    }


def line(request: ShopRequest, view: str, found: InboxRow) -> Line:
    """A row with its address and its chip."""
    return Line(
        id=found.id,
        customer_name=found.customer_name,
        subject=found.subject,
        snippet=found.snippet,
        channel_kind=found.channel_kind,
        last_at=found.last_at,
        unread=found.is_unread,
        waiting_since=found.waiting_since,
        chip=_chip(found),
        draft=found.has_draft,
        viewers=(),
        href=reverse("console-conversation", args=[request.shop.key, view, found.id]),
    )


def _chip(found: InboxRow) -> Chip | None:
    if found.is_closed or found.waiting_since is None:
        return None
    waited = clock.now() - found.waiting_since
    tone = "danger" if waited > WAITING_TOO_LONG else "warn" if waited > WAITING_LONG else "ok"
    return Chip(_("waiting %(time)s") % {"time": _span(waited)}, tone)


def _span(waited: timedelta) -> str:
    minutes = max(0, int(waited.total_seconds() // 60))
    if minutes < 60:
        return _("%(count)d min") % {"count": minutes}
    if minutes < 48 * 60:
        return _("%(count)d h") % {"count": minutes // 60}
    return _("%(count)d d") % {"count": minutes // (24 * 60)}
