"""What a mail that was understood leads to: a message in a conversation, and one verdict in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from tiski.channels.email import acknowledging, marks
from tiski.channels.email.mailbox import Mailbox
from tiski.channels.email.parsing.model import Kind, Parsed
from tiski.channels.email.placing import Decision, decide
from tiski.conversations import actions as conversations
from tiski.conversations.models import LONGEST_SUBJECT, ChannelAccount, Conversation, InboundRaw, OutboxItem, RawState
from tiski.customers import actions as customers
from tiski.customers.models import Customer
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM, Actor, ActorKind, action
from tiski.kernel.models import Blob
from tiski.kernel.text import clean_line

MAIL_IDS = UUID("5d0c8f0e-5c3b-5f53-9d3c-3f6c0a0b7a11")
"""Namespace of client ids made from the raw item, so that understanding it twice posts once."""
FORMATTED = ("<table", "<img", "<ul", "<ol", "<h1", "<h2", "<h3", "<blockquote")
YOUNG = timedelta(hours=2)


@action
def act(raw: InboundRaw, mailbox: Mailbox, parsed: Parsed, files: Sequence[Blob], *, by: Actor = SYSTEM) -> None:
    """Post the mail where it belongs and write the verdict down, in one transaction."""
    if parsed.kind is Kind.OWN:
        conversations.settle(raw, RawState.IGNORED, rule="own", reason=", ".join(parsed.reasons), by=by)
        return
    decision = decide(mailbox, parsed)
    customer = _customer(parsed, by=by)
    is_history = bool(raw.envelope.get("history"))
    at = _written_at(raw, parsed, is_history=is_history)
    conversation = decision.conversation or _open(raw, parsed, customer, at, by=by)
    is_automatic = parsed.kind is not Kind.HUMAN
    for blob in files:
        conversations.add_upload(blob, by=by)
    posted = conversations.post(
        conversation,
        body=parsed.visible_text or parsed.text,
        html=_html(parsed),
        author=Actor(ActorKind.CUSTOMER, customer.id, customer.name),
        client_id=uuid5(MAIL_IDS, f"{raw.shop_id}-{raw.id}"),
        files=[blob.id for blob in files],
        uploader=conversations.uploader_of(by),
        channel_account_id=raw.channel_account_id,
        source_id=parsed.message_id,
        is_automatic=is_automatic,
        is_history=is_history,
        created_at=at if is_history else None,
        meta=_meta(raw, parsed, decision),
        by=by,
    )
    state = RawState.THREADED if decision.conversation else RawState.NEW
    verdict = RawState.AUTOMATIC if is_automatic else state
    conversations.settle(
        raw, verdict, rule=decision.rule, conversation=conversation, message_id=posted.message_id, by=by
    )
    is_young = clock.now() - min(at, raw.received_at) < YOUNG
    if state is RawState.NEW and not is_automatic and not is_history and is_young and decision.is_verified:
        acknowledging.acknowledge(conversation, mailbox, parsed, by=by)


@action
def quarantine(raw: InboundRaw, *, reason: str, by: Actor = SYSTEM) -> None:
    """Set the mail aside: kept, visible, and in nobody's way."""
    conversations.settle(raw, RawState.QUARANTINED, rule="unreadable", reason=reason, by=by)


@action
def bounced(raw: InboundRaw, mailbox: Mailbox, parsed: Parsed, *, by: Actor = SYSTEM) -> None:
    """A delivery report: it counts only when it proves to be about a mail of ours."""
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


def _customer(parsed: Parsed, *, by: Actor) -> Customer:
    assert parsed.sender is not None  # noqa: S101  who has no sender was quarantined before
    return customers.recognise(
        "email", parsed.sender.address, name=parsed.sender.name[:80], language=parsed.language, by=by
    )


def _open(raw: InboundRaw, parsed: Parsed, customer: Customer, at: datetime, *, by: Actor) -> Conversation:
    return conversations.open_conversation(
        channel_account=ChannelAccount.objects.get(id=raw.channel_account_id),
        customer=customer,
        subject=clean_line(parsed.subject, longest=LONGEST_SUBJECT),
        language=parsed.language,
        opened_at=at,
        by=by,
    )


def _written_at(raw: InboundRaw, parsed: Parsed, *, is_history: bool) -> datetime:
    """History stands where it was written; what comes now stands where it came, whatever its sender's clock says."""
    if is_history and parsed.date is not None:
        return min(parsed.date, raw.received_at)
    return raw.received_at


def _html(parsed: Parsed) -> str | None:
    """The formatted view, where the formatting says something and nothing was folded away."""
    has_quote = parsed.visible_text.strip() != parsed.text.strip()
    shows = any(mark in parsed.html_safe for mark in FORMATTED)
    return parsed.html_safe if parsed.html_safe and not has_quote and (shows or not parsed.text.strip()) else None


def _meta(raw: InboundRaw, parsed: Parsed, decision: Decision) -> dict[str, object]:
    meta: dict[str, object] = {"raw": raw.id, "from": parsed.sender.address if parsed.sender else ""}
    if parsed.visible_text.strip() != parsed.text.strip():
        meta["quoted"] = parsed.text[:200_000]
    if not decision.is_verified:
        meta["unverified"] = True
    if decision.suggested is not None:
        meta["suggested"] = decision.suggested
    return meta
