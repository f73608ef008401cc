"""What mails that were understood lead to: messages in conversations, and one verdict each in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

from django.db import connection
from django.utils import translation
from django.utils.translation import gettext as _

from tiski.accounts.models import Shop
from tiski.channels.email import acknowledging, marks
from tiski.channels.email.acknowledging import Thanks
from tiski.channels.email.mailbox import Mailbox, own_addresses
from tiski.channels.email.parsing import limits
from tiski.channels.email.parsing.model import Kind, Parsed
from tiski.channels.email.placing import Decision, Letter, decide
from tiski.conversations import actions as conversations
from tiski.conversations.actions import Opening, Posted, Posting, Refused, Verdict
from tiski.conversations.models import LONGEST_SUBJECT, InboundRaw, Message, OutboxItem, RawState
from tiski.customers import actions as customers
from tiski.customers import queries as customer_queries
from tiski.customers.actions import Introduction
from tiski.kernel import blobs, clock
from tiski.kernel.action import SYSTEM, Actor, ActorKind, action
from tiski.kernel.reading import fetch
from tiski.kernel.reading import marks as marks_for
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
STANDS = """
    SELECT id, conversation_id, message_id FROM conversations_inboundraw
    WHERE id IN ({marks}) AND +shop_id = %s AND state = 'received' ORDER BY id {lock}
"""
YOUNG = timedelta(hours=2)
DELAYED = timedelta(minutes=1)


@action
def act(letters: Sequence[Letter], *, by: Actor = SYSTEM) -> None:
    """Post mails of a shop where they belong, in order, and write the verdicts down: all of it or nothing.

    A mail that has its verdict is left alone. Two copies of a mail, and a mail with its answer, come one after the
    other and not together: what the earlier one led to must be there to be found.
    """
    twins = _twins(letters)
    letters = _still_waiting(letters)
    verdicts = []
    posted = []
    for letter in letters:
        verdict = _without_posting(letter, twins.get(letter.received.id), by=by)
        if verdict is None:
            posted.append(letter)
        else:
            verdicts.append(verdict)
    conversations.settle_many([*verdicts, *_post(posted, by=by)], by=by)


@action
def quarantine(raw_id: int, *, reason: str, by: Actor = SYSTEM) -> None:
    """Set the mail aside: kept, visible, and in nobody's way."""
    if raw_id in _stands([raw_id]):
        conversations.settle_many([Verdict(raw_id, RawState.QUARANTINED, "unreadable", reason)], by=by)


def _without_posting(letter: Letter, twin: _Twin | None, *, by: Actor) -> Verdict | None:
    """The verdict on what becomes no message of its own."""
    number, parsed = letter.received.id, letter.parsed
    if parsed.kind is Kind.BOUNCE:
        return _bounced(letter, by=by)
    if twin is not None:
        return Verdict(number, RawState.DUPLICATE, "other-folder", "", twin.conversation_id, twin.message_id)
    if parsed.kind is Kind.OWN or _is_one_of_ours(parsed):
        return Verdict(number, RawState.IGNORED, "own", ", ".join(parsed.reasons))
    return None


def _bounced(letter: Letter, *, by: Actor) -> Verdict:
    """A delivery report: it counts only when it proves to be about a mail of ours."""
    number, bounce = letter.received.id, letter.parsed.bounce
    item = _delivery(letter.mailbox, letter.parsed)
    if item is None or bounce is None:
        return Verdict(number, RawState.IGNORED, "bounce", "not about a mail of ours")
    reason = clean_line(bounce.reason or bounce.status, longest=300)
    if bounce.action == "failed":
        conversations.record_bounced(item, reason=reason, by=by)
    return Verdict(number, RawState.BOUNCE, "bounce", reason, item.message.conversation_id)


def _delivery(mailbox: Mailbox, parsed: Parsed) -> OutboxItem | None:
    number = marks.delivery_in([*parsed.delivered_to, *(each.address for each in parsed.to)], mailbox.address)
    items = OutboxItem.objects.select_related("message__conversation")
    if number is not None:
        return items.filter(id=number).first()
    named = parsed.bounce.original_message_id if parsed.bounce else ""
    ours = marks.messages_in([named, parsed.in_reply_to, *parsed.references])
    return items.filter(message_id__in=ours).order_by("-id").first() if ours else None


@dataclass(frozen=True, slots=True)
class _Plan:
    """A mail with everything that was decided about it."""

    letter: Letter
    decision: Decision
    customer: int
    at: datetime


def _post(letters: Sequence[Letter], *, by: Actor) -> list[Verdict]:
    if not letters:
        return []
    plans = [
        _Plan(letter, decision, customer, _came_at(letter))
        for letter, decision, customer in zip(letters, decide(letters), _customers(letters, by=by), strict=True)
    ]
    places = _open(plans, by=by)
    files = [kept.blob for letter in letters for kept in letter.files]
    blobs.enter(files)
    conversations.add_uploads(files, by=by)
    outcomes = conversations.post_many([_posting(plan, place) for plan, place in zip(plans, places, strict=True)])
    messages = [_stored(outcome) for outcome in outcomes]
    thanked = {
        at: Thanks(place, plan.customer, plan.letter.mailbox, plan.letter.parsed)
        for at, (plan, place) in enumerate(zip(plans, places, strict=True))
        if _expects_an_answer(plan)
    }
    reasons = dict(zip(thanked, acknowledging.acknowledge(list(thanked.values()), by=by), strict=True))
    return [
        Verdict(plan.letter.received.id, _state(plan), plan.decision.rule, reasons.get(at, ""), place, message)
        for at, (plan, place, message) in enumerate(zip(plans, places, messages, strict=True))
    ]


def _customers(letters: Sequence[Letter], *, by: Actor) -> list[int]:
    """Who writes; a merged customer is answered by the one who remains."""
    introductions = [_introduction(letter.parsed) for letter in letters]
    known = customers.recognise_many(introductions, by=by)
    remaining = customer_queries.remaining(set(known))
    return [remaining[number] for number in known]


def _introduction(parsed: Parsed) -> Introduction:
    assert parsed.sender is not None  # noqa: S101  who has no sender was quarantined before
    return Introduction(
        shop_id=current_shop(),
        kind="email",
        value=parsed.sender.address,
        name=parsed.sender.name[:80],
        language=parsed.language,
    )


def _open(plans: Sequence[_Plan], *, by: Actor) -> list[int]:
    """The conversation of each mail, begun where there is none."""
    openings = [
        Opening(
            channel_account_id=plan.letter.received.channel_account_id,
            customer_id=plan.customer,
            subject=clean_line(plan.letter.parsed.subject, longest=LONGEST_SUBJECT),
            language=plan.letter.parsed.language,
            opened_at=plan.at,
        )
        for plan in plans
        if plan.decision.conversation is None
    ]
    opened = iter(conversations.open_many(openings, by=by))
    return [next(opened) if plan.decision.conversation is None else plan.decision.conversation for plan in plans]


def _posting(plan: _Plan, place: int) -> Posting:
    """What is posted. The client id comes from the raw item, so that understanding it twice posts once."""
    received, parsed = plan.letter.received, plan.letter.parsed
    return Posting(
        shop_id=current_shop(),
        conversation_id=place,
        author=Actor(ActorKind.CUSTOMER, plan.customer),
        body=_body(plan.letter),
        html=_html(parsed),
        client_id=uuid5(MAIL_IDS, f"{current_shop()}-{received.id}"),
        files=tuple(kept.blob.id for kept in plan.letter.files),
        uploader=conversations.uploader_of(SYSTEM),
        channel_account_id=received.channel_account_id,
        source_id=parsed.message_id,
        is_automatic=parsed.kind is not Kind.HUMAN,
        is_history=received.is_history,
        created_at=plan.at if received.is_history or received.received_at - plan.at > DELAYED else None,
        meta=_meta(plan),
    )


def _stored(outcome: Posted | Refused) -> int:
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome.message_id


def _state(plan: _Plan) -> RawState:
    if plan.letter.parsed.kind is not Kind.HUMAN:
        return RawState.AUTOMATIC
    return RawState.NEW if plan.decision.conversation is None else RawState.THREADED


def _body(letter: Letter) -> str:
    """What was written, as much of it as a message holds; a sentence in its place where a mail shows nothing."""
    parsed = letter.parsed
    written = (parsed.visible_text or parsed.text)[: limits.TEXT_CHARACTERS]
    if written.strip() or letter.files or _html(parsed):
        return written
    with translation.override(Shop.objects.values_list("language", flat=True).get(id=current_shop())):
        if parsed.html or HIDING & set(parsed.errors):
            return _("This message could not be displayed. Open the original to see what it holds.")
        return _("The message has no text.")


def _came_at(letter: Letter) -> datetime:
    """History stands where it was written; the rest where the mail server got it, whatever the sender's clock says."""
    received = letter.received
    if received.is_history and letter.parsed.date is not None:
        return min(letter.parsed.date, received.received_at)
    arrived = received.envelope.get("arrived_at")
    return min(datetime.fromisoformat(str(arrived)), received.received_at) if arrived else received.received_at


def _expects_an_answer(plan: _Plan) -> bool:
    """Who begins a conversation is thanked, but nobody for what they wrote long ago."""
    if plan.letter.parsed.kind is not Kind.HUMAN or plan.decision.conversation is not None:
        return False
    envelope = plan.letter.received.envelope
    if not plan.decision.is_verified or envelope.get("history") or envelope.get("recovered"):
        return False
    return clock.now() - plan.at < YOUNG


class _Twin(NamedTuple):
    """The same mail out of another folder of the same address, which has become a message already."""

    conversation_id: int | None
    message_id: int


def _twins(letters: Sequence[Letter]) -> dict[int, _Twin]:
    """By the number of the item.

    All copies are locked, the oldest first, so that of two that are understood at once one sees the other's message.
    """
    folders: dict[str, list[int]] = {}
    for number, address in own_addresses().items():
        folders.setdefault(address, []).append(number)
    several = [letter for letter in letters if len(folders.get(letter.mailbox.address, ())) > 1]
    if not several:
        return {}
    places = {number for letter in several for number in folders[letter.mailbox.address]}
    keys = {letter.received.dedupe_key for letter in several}
    copies = list(
        InboundRaw.objects.select_for_update(no_key=True)
        .filter(channel_account__in=places, dedupe_key__in=keys)
        .order_by("id")
        .values_list("id", "channel_account_id", "dedupe_key", "conversation_id", "message_id")
    )
    found = {}
    for letter in several:
        mine, key = folders[letter.mailbox.address], letter.received.dedupe_key
        for number, place, copied, conversation, message in copies:
            if number != letter.received.id and place in mine and copied == key and message is not None:
                found[letter.received.id] = _Twin(conversation, message)
                break
    return found


def _still_waiting(letters: Sequence[Letter]) -> list[Letter]:
    waiting = _stands([letter.received.id for letter in letters])
    return [letter for letter in letters if letter.received.id in waiting]


def _stands(numbers: Sequence[int]) -> set[int]:
    """Which of these items nobody else was faster with, locked until the end of the transaction.

    A mail that once became a message is not posted again, also when someone asks for it to be read again.
    """
    lock = "FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""
    found = fetch(STANDS.format(marks=marks_for(numbers), lock=lock), [*numbers, current_shop()])
    again = [
        Verdict(number, RawState.THREADED, "again", "", conversation, message)
        for number, conversation, message in found
        if message is not None
    ]
    conversations.settle_many(again)
    return {number for number, _conversation, message in found if message is None}


def _is_one_of_ours(parsed: Parsed) -> bool:
    """A mail under a Message-ID that only we give: one of our own has come back, from whatever address."""
    ours = marks.messages_in([parsed.message_id])
    return bool(ours) and Message.objects.filter(id__in=ours).exists()


def _html(parsed: Parsed) -> str | None:
    """The formatted view, where the formatting says something and nothing was folded away."""
    has_quote = parsed.visible_text.strip() != parsed.text.strip()
    shows = any(mark in parsed.html_safe for mark in FORMATTED)
    return parsed.html_safe if parsed.html_safe and not has_quote and (shows or not parsed.text.strip()) else None


def _meta(plan: _Plan) -> dict[str, object]:
    parsed, decision = plan.letter.parsed, plan.decision
    meta: dict[str, object] = {
        "raw": plan.letter.received.id,
        "from": parsed.sender.address if parsed.sender else "",
    }
    if parsed.visible_text.strip() != parsed.text.strip():
        meta["quoted"] = parsed.text[:200_000]
    if shown := {kept.content_id: kept.blob.id for kept in plan.letter.files if kept.content_id}:
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
