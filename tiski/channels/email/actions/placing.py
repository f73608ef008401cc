"""What a mail that was understood leads to: a message in a conversation, and one verdict in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db import connection
from django.utils import translation
from django.utils.translation import gettext as _

from tiski.accounts.models import Shop
from tiski.channels.email import acknowledging, marks
from tiski.channels.email.mailbox import Mailbox, account, own_addresses
from tiski.channels.email.parsing import limits
from tiski.channels.email.parsing.model import Kind, Parsed
from tiski.channels.email.placing import Decision, decide
from tiski.conversations import actions as conversations
from tiski.conversations.models import (
    LONGEST_SUBJECT,
    Conversation,
    InboundRaw,
    Message,
    OutboxItem,
    RawState,
)
from tiski.customers import actions as customers
from tiski.customers.models import Customer
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM, Actor, ActorKind, action
from tiski.kernel.models import Blob
from tiski.kernel.reading import fetch
from tiski.kernel.scope import current_shop
from tiski.kernel.text import clean_line

MAIL_IDS = UUID("5d0c8f0e-5c3b-5f53-9d3c-3f6c0a0b7a11")
"""Namespace of client ids made from the raw item, so that understanding it twice posts once."""
FORMATTED = ("<table", "<img", "<ul", "<ol", "<h1", "<h2", "<h3", "<blockquote")
HIDING = frozenset(
    {"base64_damaged", "boundary_missing", "content_type_malformed", "encrypted", "html_simplified", "html_too_large",
     "nested_too_deeply", "text_too_large", "too_many_parts", "transfer_encoding_unknown"}
)  # fmt: skip
"""Findings of the parser that say why a mail with something in it may show nothing."""
STANDS = "SELECT state, message_id FROM conversations_inboundraw WHERE id = %s AND shop_id = %s"
YOUNG = timedelta(hours=2)
DELAYED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of the mail, stored; `content_id` is the name by which the mail's HTML shows it."""

    blob: Blob
    content_id: str = ""


@action
def act(raw: InboundRaw, mailbox: Mailbox, parsed: Parsed, files: Sequence[Kept], *, by: Actor = SYSTEM) -> None:
    """Post the mail where it belongs and write the verdict down, in one transaction; nothing if that is done."""
    twin = _twin(raw, mailbox)
    if not _still_waits(raw):
        return
    if twin is not None:
        where, number = twin.conversation, twin.message_id
        conversations.settle(raw, RawState.DUPLICATE, rule="other-folder", conversation=where, message_id=number, by=by)
        return
    if parsed.kind is Kind.OWN or _is_one_of_ours(parsed):
        conversations.settle(raw, RawState.IGNORED, rule="own", reason=", ".join(parsed.reasons), by=by)
        return
    decision = decide(mailbox, parsed)
    at = _came_at(raw, parsed, is_history=_is_history(raw))
    customer = _customer(parsed, by=by)
    conversation = decision.conversation or _open(raw, parsed, customer, at, by=by)
    for kept in files:
        conversations.add_upload(kept.blob, by=by)
    writer = Actor(ActorKind.CUSTOMER, customer.id, customer.name)
    posted = conversations.post(conversation, **_message(raw, parsed, decision, files, at=at), author=writer, by=by)
    is_new, is_human, reason = decision.conversation is None, parsed.kind is Kind.HUMAN, ""
    if is_new and is_human and decision.is_verified and _expects_an_answer(raw, at):
        reason = acknowledging.acknowledge(conversation, mailbox, parsed, by=by)
    verdict = RawState.AUTOMATIC if not is_human else RawState.NEW if is_new else RawState.THREADED
    number = posted.message_id
    conversations.settle(
        raw, verdict, rule=decision.rule, reason=reason, conversation=conversation, message_id=number, by=by
    )


@action
def quarantine(raw: InboundRaw, *, reason: str, by: Actor = SYSTEM) -> None:
    """Set the mail aside: kept, visible, and in nobody's way."""
    if not _still_waits(raw):
        return
    conversations.settle(raw, RawState.QUARANTINED, rule="unreadable", reason=reason, by=by)


@action
def bounced(raw: InboundRaw, mailbox: Mailbox, parsed: Parsed, *, by: Actor = SYSTEM) -> None:
    """A delivery report: it counts only when it proves to be about a mail of ours."""
    if not _still_waits(raw):
        return
    item = _delivery(mailbox, parsed)
    if item is None or parsed.bounce is None:
        conversations.settle(raw, RawState.IGNORED, rule="bounce", reason="not about a mail of ours", by=by)
        return
    reason = clean_line(parsed.bounce.reason or parsed.bounce.status, longest=300)
    if parsed.bounce.action == "failed":
        conversations.record_bounced(item, reason=reason, by=by)
    conversations.settle(
        raw, RawState.BOUNCE, rule="bounce", reason=reason, conversation=item.message.conversation, by=by
    )


def _delivery(mailbox: Mailbox, parsed: Parsed) -> OutboxItem | None:
    number = marks.delivery_in([*parsed.delivered_to, *(each.address for each in parsed.to)], mailbox.address)
    items = OutboxItem.objects.select_related("message__conversation")
    if number is not None:
        return items.filter(id=number).first()
    named = parsed.bounce.original_message_id if parsed.bounce else ""
    ours = marks.messages_in([named, parsed.in_reply_to, *parsed.references])
    return items.filter(message_id__in=ours).order_by("-id").first() if ours else None


def _is_history(raw: InboundRaw) -> bool:
    return bool(raw.envelope.get("history"))


def _message(
    raw: InboundRaw, parsed: Parsed, decision: Decision, files: Sequence[Kept], *, at: datetime
) -> dict[str, Any]:
    """What is posted. The client id comes from the raw item, so that understanding it twice posts once."""
    is_history = _is_history(raw)
    return {
        "body": _body(parsed, files),
        "html": _html(parsed),
        "client_id": uuid5(MAIL_IDS, f"{raw.shop_id}-{raw.id}"),
        "files": [kept.blob.id for kept in files],
        "uploader": conversations.uploader_of(SYSTEM),
        "channel_account_id": raw.channel_account_id,
        "source_id": parsed.message_id,
        "is_automatic": parsed.kind is not Kind.HUMAN,
        "is_history": is_history,
        "created_at": at if is_history or raw.received_at - at > DELAYED else None,
        "meta": _meta(raw, parsed, decision, files),
    }


def _body(parsed: Parsed, files: Sequence[Kept]) -> str:
    """What was written, as much of it as a message holds; a sentence in its place where a mail shows nothing."""
    written = (parsed.visible_text or parsed.text)[: limits.TEXT_CHARACTERS]
    if written.strip() or files or _html(parsed):
        return written
    with translation.override(Shop.objects.values_list("language", flat=True).get(id=current_shop())):
        if parsed.html or HIDING & set(parsed.errors):
            return _("This message could not be displayed. Open the original to see what it holds.")
        return _("The message has no text.")


def _customer(parsed: Parsed, *, by: Actor) -> Customer:
    assert parsed.sender is not None  # noqa: S101  who has no sender was quarantined before
    return customers.recognise(
        "email", parsed.sender.address, name=parsed.sender.name[:80], language=parsed.language, by=by
    )


def _open(raw: InboundRaw, parsed: Parsed, customer: Customer, at: datetime, *, by: Actor) -> Conversation:
    return conversations.open_conversation(
        channel_account=account(raw.channel_account_id),
        customer=customer,
        subject=clean_line(parsed.subject, longest=LONGEST_SUBJECT),
        language=parsed.language,
        opened_at=at,
        by=by,
    )


def _came_at(raw: InboundRaw, parsed: Parsed, *, is_history: bool) -> datetime:
    """History stands where it was written; the rest where the mail server got it, whatever the sender's clock says."""
    if is_history and parsed.date is not None:
        return min(parsed.date, raw.received_at)
    arrived = raw.envelope.get("arrived_at")
    return min(datetime.fromisoformat(str(arrived)), raw.received_at) if arrived else raw.received_at


def _expects_an_answer(raw: InboundRaw, at: datetime) -> bool:
    """Nobody is thanked for what they wrote long ago."""
    if raw.envelope.get("history") or raw.envelope.get("recovered"):
        return False
    return clock.now() - at < YOUNG


def _twin(raw: InboundRaw, mailbox: Mailbox) -> InboundRaw | None:
    """The same mail out of another folder of the same address, which has become a message already.

    All copies are locked, the oldest first, so that of two that are understood at once one sees the other's message.
    """
    folders = [number for number, address in own_addresses().items() if address == mailbox.address]
    if len(folders) < 2:
        return None
    copies = InboundRaw.objects.select_for_update().filter(channel_account__in=folders, dedupe_key=raw.dedupe_key)
    return next((copy for copy in copies.order_by("id") if copy.id != raw.id and copy.message_id is not None), None)


def _still_waits(raw: InboundRaw) -> bool:
    """Whether nobody else was faster, with the row locked until the end of the transaction.

    A mail that once became a message is not posted again, also when someone asks for it to be read again.
    """
    lock = "FOR UPDATE" if connection.vendor == "postgresql" else ""
    state, message_id = fetch(f"{STANDS} {lock}", [raw.id, raw.shop_id])[0]
    if state != RawState.RECEIVED:
        return False
    if message_id is None:
        return True
    before = InboundRaw.objects.get(id=raw.id).conversation
    conversations.settle(raw, RawState.THREADED, rule="again", conversation=before, message_id=message_id)
    return False


def _is_one_of_ours(parsed: Parsed) -> bool:
    """A mail under a Message-ID that only we give: one of our own has come back, from whatever address."""
    ours = marks.messages_in([parsed.message_id])
    return bool(ours) and Message.objects.filter(id__in=ours).exists()


def _html(parsed: Parsed) -> str | None:
    """The formatted view, where the formatting says something and nothing was folded away."""
    has_quote = parsed.visible_text.strip() != parsed.text.strip()
    shows = any(mark in parsed.html_safe for mark in FORMATTED)
    return parsed.html_safe if parsed.html_safe and not has_quote and (shows or not parsed.text.strip()) else None


def _meta(raw: InboundRaw, parsed: Parsed, decision: Decision, files: Sequence[Kept]) -> dict[str, object]:
    meta: dict[str, object] = {"raw": raw.id, "from": parsed.sender.address if parsed.sender else ""}
    if parsed.visible_text.strip() != parsed.text.strip():
        meta["quoted"] = parsed.text[:200_000]
    if shown := {kept.content_id: kept.blob.id for kept in files if kept.content_id}:
        meta["inline"] = shown
    if parsed.remote_images:
        meta["remote_images"] = parsed.remote_images
    if parsed.is_sensitive:
        meta["sensitive"] = True
    if not decision.is_verified:
        meta["unverified"] = True
    if decision.suggested is not None:
        meta["suggested"] = decision.suggested
    return meta
