"""Which conversation a mail belongs to. Threading is authentication: a claim needs a proof (channels.md 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tiski.channels.email import marks
from tiski.channels.email.mailbox import Mailbox
from tiski.channels.email.parsing.model import Parsed
from tiski.conversations.models import Conversation, Message, OutboxItem
from tiski.customers.models import Identity
from tiski.kernel import clock
from tiski.kernel.reading import fetch
from tiski.kernel.reading import marks as marks_for
from tiski.kernel.scope import current_shop

REOPENS_WITHIN = timedelta(days=14)
# In plain SQL: most mails have references, hardly any of them known. The condition is spelled as the index spells it,
# and `+id` is no column: otherwise SQLite walks through the whole table, newest first.
ANSWERED = """
    SELECT conversation_id FROM conversations_message
    WHERE channel_account_id = %s AND shop_id = %s AND NOT (source_id = '') AND source_id IN ({marks})
    ORDER BY +id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a mail goes: into `conversation`, or into a new one when it is None; by which rule.

    Not `is_verified` when the sender is no participant, or when the domain denies having sent it. `suggested` is a
    conversation it may belong to, without proof.
    """

    conversation: Conversation | None
    rule: str
    is_verified: bool = True
    suggested: int | None = None


def decide(mailbox: Mailbox, parsed: Parsed) -> Decision:
    """The first signal that fits, weighed by who sends. A subject alone never threads, and a sign-in code never does:
    whoever had it sent to a conversation's address may take part in that conversation.
    """
    denied = parsed.authentication.dmarc == "fail"
    if parsed.is_sensitive:
        return Decision(None, "new:sensitive", is_verified=not denied)
    strong = _by_token(mailbox, parsed) or _by_our_message(parsed)
    if strong is not None:
        conversation, rule = strong
        known = _takes_part(conversation, parsed) and not denied
        return _unless_too_old(conversation, rule, is_verified=known)
    medium = _by_their_message(mailbox, parsed)
    if medium is None:
        return Decision(None, "new", is_verified=not denied)
    if denied or not _takes_part(medium, parsed):
        return Decision(None, "new:reference-without-proof", is_verified=not denied, suggested=medium.id)
    return _unless_too_old(medium, "reference", is_verified=True)


def _by_token(mailbox: Mailbox, parsed: Parsed) -> tuple[Conversation, str] | None:
    addresses = [*parsed.delivered_to, *(each.address for each in (*parsed.to, *parsed.cc))]
    number = marks.conversation_in(addresses, mailbox.address)
    found = Conversation.objects.filter(id=number).first() if number is not None else None
    return (found, "token") if found else None


def _by_our_message(parsed: Parsed) -> tuple[Conversation, str] | None:
    ours = marks.messages_in(_references(parsed))
    found = Message.objects.filter(id__in=ours).select_related("conversation").order_by("-id").first() if ours else None
    return (found.conversation, "message-id") if found else None


def _by_their_message(mailbox: Mailbox, parsed: Parsed) -> Conversation | None:
    """An answer to a mail that came in here before: known to everyone who got it, so no proof by itself."""
    references = _references(parsed)
    if not references:
        return None
    found = fetch(ANSWERED.format(marks=marks_for(references)), [mailbox.id, current_shop(), *references])
    return Conversation.objects.get(id=found[0][0]) if found else None


def _references(parsed: Parsed) -> list[str]:
    return [each for each in (parsed.in_reply_to, *reversed(parsed.references)) if each][:100]


def _takes_part(conversation: Conversation, parsed: Parsed) -> bool:
    """Whether the sender is the customer, or someone an answer of ours went to."""
    assert parsed.sender is not None  # noqa: S101  who has no sender was quarantined before
    canonical = parsed.sender.canonical
    if Identity.objects.filter(customer_id=conversation.customer_id, kind="email", value=canonical).exists():
        return True
    sent = OutboxItem.objects.filter(message__conversation=conversation, recipient__iexact=parsed.sender.address)
    return sent.exists()


def _unless_too_old(conversation: Conversation, rule: str, *, is_verified: bool) -> Decision:
    closed = conversation.closed_at
    if closed is not None and clock.now() - closed > REOPENS_WITHIN:
        return Decision(None, f"new:{rule}-closed-long-ago", is_verified=is_verified, suggested=conversation.id)
    return Decision(conversation, rule if is_verified else f"{rule}:unverified", is_verified=is_verified)
