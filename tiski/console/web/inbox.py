"""The inbox: its page, one row by itself, and the navigation that counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from markupsafe import Markup

from tiski.accounts.policies import ShopRequest, reads_inbox, requires
from tiski.channels.email import queries as mail
from tiski.conversations import queries as conversations
from tiski.conversations.queries import InboxRow
from tiski.kernel import clock
from tiski.ui.drawing import kept, macro
from tiski.ui.jinja import joined
from tiski.ui.page import show, wants_partial

from .frame import navigation as frame
from .frame import view_name, view_names
from .places import place

MOST_ROWS = 50  # asked for by number at once
WAITING_LONG = timedelta(minutes=30)
WAITING_TOO_LONG = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Chip:
    """A few words on a tint."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class Line:
    """A conversation as `ui/parts/_row.html` draws it."""

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
    """A view of the inbox with nothing opened; for htmx the pane alone, or the rows alone: `rows=7,9` those of them
    that are in the view.
    """
    if wants_partial(request) and (several := _numbers(request.GET.get("rows", ""))):
        found = conversations.rows_in(several, view, request.user)
        return show(request, "console/_rows.html", rows=drawn(request, found, view), older="")
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
    return show(request, "console/_rows.html", rows=drawn(request, [found], view), older="")


@requires(reads_inbox)
@never_cache
@require_safe
def navigation(request: ShopRequest) -> HttpResponse:
    """The navigation with its counts."""
    view = request.GET.get("view", "")
    known = view in view_names() or view == "settings"
    return show(request, "console/_navigation.html", **frame(request, view if known else ""))


def _numbers(listed: str) -> list[int]:
    return [int(number) for number in listed.split(",")[:MOST_ROWS] if number.isdecimal() and len(number) < 19]


def rows_context(request: ShopRequest, view: str, current: int | None = None) -> dict[str, Any]:
    """Navigation and rows of a view."""
    framed = frame(request, view)  # first: it notes the place in the sequence from which news is needed
    found = conversations.inbox(request.shop, request.user, view, request.GET.get("before"))
    here = place("console-inbox", request.shop.key, view)
    return framed | {
        "troubled": mail.troubled_mailboxes() if framed["may_run"] else [],
        "heading": view_name(view),
        "rows": drawn(request, found.rows, view, current),
        "older": f"{here}?before={found.next}" if found.next else "",
        "row_url": f"{here}conversations/{{key}}/row/",
        "rows_url": f"{here}?rows=first",
    }


def drawn(request: ShopRequest, found: Iterable[InboxRow], view: str = "", current: int | None = None) -> Markup:
    """The rows; without a view each is a link to a page of its own, in the view that holds it."""
    key = request.shop.key
    return joined(_drawn((row, key, view, row.id == current) for row in found))


@kept(has_ages=True)
def _drawn(row: InboxRow, key: str, view: str, is_current: bool) -> Markup:
    line = Line(
        id=row.id,
        customer_name=row.customer_name,
        subject=row.subject,
        snippet=row.snippet,
        channel_kind=row.channel_kind,
        last_at=row.last_at,
        unread=row.is_unread,
        waiting_since=row.waiting_since,
        chip=_chip(row),
        draft=row.has_draft,
        viewers=(),
        href=place("console-conversation", key, view or ("closed" if row.is_closed else "open"), row.id),
    )
    return macro("ui/parts/_row.html", "row_items")([line], row.id if is_current else None, plain=not view)


def _chip(row: InboxRow) -> Chip | None:
    """How long the customer has waited."""
    if row.is_closed or row.waiting_since is None:
        return None
    waited = clock.now() - row.waiting_since
    tone = "danger" if waited > WAITING_TOO_LONG else "warn" if waited > WAITING_LONG else "ok"
    return Chip(_("waiting %(time)s") % {"time": _span(waited)}, tone)


def _span(waited: timedelta) -> str:
    minutes = max(0, int(waited.total_seconds() // 60))
    if minutes < 60:
        return _("%(count)d min") % {"count": minutes}
    if minutes < 48 * 60:
        return _("%(count)d h") % {"count": minutes // 60}
    return _("%(count)d d") % {"count": minutes // (24 * 60)}
