"""What stands around a thread, as `ui/parts` draws it: header, composer, customer panel."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils.translation import gettext as _
from markupsafe import Markup

from tiski.accounts import queries as accounts
from tiski.accounts.models import Language
from tiski.accounts.policies import ShopRequest, answers
from tiski.conversations import queries as conversations
from tiski.conversations.contract import channel_for
from tiski.conversations.models import Attachment, Conversation
from tiski.customers import queries as customers
from tiski.ui.drawing import filled, kept, macro
from tiski.ui.jinja import joined

from .places import place

ASSIGNMENT, ASSIGNEE = "(assignment)", "(assignee)"
"""Stand for the address and the id in what is drawn for no conversation yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The header of an open conversation."""

    id: int
    subject: str
    customer_name: str
    channel_label: str
    opened_at: datetime
    closed_at: datetime | None
    assignee_name: str
    may_act: bool


@dataclass(frozen=True, slots=True)
class DraftFile:
    """A file that waits in the draft."""

    id: str
    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The composer: whether, where to, and what was begun."""

    conversation_id: int
    can_send: bool
    reason: str = ""
    remedy_url: str = ""
    remedy_text: str = ""
    recipient: str = ""
    sender_name: str
    seen_seq: int
    sends_on_enter: bool
    mode: str = "reply"
    reply_draft: str = ""
    note_draft: str = ""
    draft_version: int = 0
    note_version: int = 0
    draft_files: tuple[DraftFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """An address of the customer."""

    kind: str
    value: str
    is_verified: bool


@dataclass(frozen=True, slots=True)
class Past:
    """Another conversation with the same customer."""

    href: str
    subject: str
    channel_kind: str
    at: datetime
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The customer panel."""

    id: int
    name: str
    since: datetime
    language_name: str
    identities: tuple[Known, ...]
    figures: tuple[tuple[str, str], ...] = ()
    earlier: tuple[Past, ...] = ()
    note: str = field(default="")


def header(request: ShopRequest, view: str, found: conversations.Header) -> Markup:
    """The header for this reader."""
    head = Head(
        id=found.id,
        subject=found.subject,
        customer_name=found.customer_name,
        channel_label=channel_for(found.channel_kind).name,
        opened_at=found.opened_at,
        closed_at=found.closed_at,
        assignee_name=found.assignee_name,
        may_act=answers.allows(request.membership.role),
    )
    [drawn] = _header([(head, (request.shop.key, view), _choices_for(head, request), request.user.id)])
    return drawn


def _choices_for(head: Head, request: ShopRequest) -> Markup:
    """The people it can be given to: drawn once for all conversations, which differ in two places."""
    if not head.may_act:
        return joined([])
    [drawn] = _choices([(tuple(accounts.answering()), request.user.id)])
    address = place("console-assignment", request.shop.key, head.id)
    return filled(drawn, {ASSIGNMENT: address, ASSIGNEE: f"conversation-{head.id}-assignee"})


@kept()
def _choices(people: tuple[accounts.AgentFace, ...], me: int) -> Markup:
    return macro("ui/parts/_header.html", "choices")(people, me, ASSIGNMENT, ASSIGNEE)


@kept(has_ages=True)
def _header(head: Head, place_of_list: tuple[str, str], people: Markup, me: int) -> Markup:
    key, view = place_of_list
    urls = {
        "back": place("console-inbox", key, view),
        "refresh": place("console-header", key, view, head.id),
        "closure": place("console-closure", key, head.id),
        "assignment": place("console-assignment", key, head.id),
    }
    return macro("ui/parts/_header.html", "header")(head, urls, people, me)


def box(request: ShopRequest, conversation: Conversation, last_seq: int) -> Box:
    """The composer for this reader; closed for those who only read, and where the channel refuses."""
    box = Box(
        conversation_id=conversation.id,
        sender_name=request.user.name,
        seen_seq=last_seq,
        can_send=False,
        sends_on_enter=False,
        reason=_("Your role lets you read, not answer."),
    )
    if not answers.allows(request.membership.role):
        return box
    found = conversations.composer(conversation, request.user)
    mode = "note" if found.note.body and not found.reply.body else "reply"
    files = found.note.files if mode == "note" else found.reply.files
    return replace(
        box,
        can_send=found.verdict.is_allowed,
        reason=found.verdict.reason,
        recipient=_("To: %(recipients)s") % {"recipients": ", ".join(found.recipients)} if found.recipients else "",
        sends_on_enter=not found.recipients,
        mode=mode,
        reply_draft=found.reply.body,
        note_draft=found.note.body,
        draft_version=found.reply.version,
        note_version=found.note.version,
        draft_files=draft_files(files),
    )


def draft_files(blob_ids: tuple[str, ...]) -> tuple[DraftFile, ...]:
    """Uploaded files that wait for an answer."""
    if not blob_ids:
        return ()
    found = Attachment.objects.filter(blob_id__in=blob_ids, message__isnull=True, note__isnull=True)
    return tuple(DraftFile(*row) for row in found.values_list("blob_id", "name", "size"))


def composer_urls(request: ShopRequest, conversation: Conversation) -> dict[str, str]:
    """Where the composer posts to."""
    names = {"send": "console-send", "draft": "console-draft", "files": "console-upload"}
    return {use: place(name, request.shop.key, conversation.id) for use, name in names.items()}


def customer(request: ShopRequest, view: str, conversation: Conversation) -> Markup:
    """The customer of the conversation, with their other conversations."""
    found = customers.customer_panel(conversation.customer_id)
    languages = dict(Language.choices)
    panel = Panel(
        id=found.id,
        name=found.name,
        since=found.first_seen,
        language_name=languages.get(found.language or conversation.language, ""),
        identities=tuple(Known(each.kind, each.shown, each.is_verified) for each in found.identities),
        earlier=tuple(
            Past(
                place("console-conversation", request.shop.key, view, past.id),
                past.subject or past.snippet,
                past.channel_kind,
                past.last_at,
                not past.is_closed,
            )
            for past in conversations.earlier_conversations(found.family, without=conversation.id)
        ),
    )
    [drawn] = _customer([(panel,)])
    return drawn


@kept(has_ages=True)
def _customer(panel: Panel) -> Markup:
    return macro("ui/parts/_customer.html", "customer")(panel)
