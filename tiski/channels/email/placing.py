"""Which conversation a mail belongs to. Threading is authentication: a claim needs a proof (channels.md 3.2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from tiski.channels.email import marks
from tiski.channels.email.mailbox import Mailbox
from tiski.channels.email.parsing.model import Address, Parsed
from tiski.conversations.models import OutboxItem
from tiski.customers import queries as customers
from tiski.kernel import clock
from tiski.kernel.models import Blob
from tiski.kernel.reading import fetch, moment_or_none
from tiski.kernel.reading import marks as marks_for
from tiski.kernel.scope import current_shop

REOPENS_WITHIN = timedelta(days=14)
# In plain SQL: most mails have references, hardly any of them known. The condition is spelled as the index spells it.
ANSWERED = """
    SELECT source_id, max(id) FROM conversations_message
    WHERE channel_account_id = %s AND shop_id = %s AND NOT (source_id = '') AND source_id IN ({marks})
    GROUP BY source_id
"""
OF_MESSAGES = """
    SELECT m.id, c.id, c.customer_id, c.closed_at FROM conversations_message m
    JOIN conversations_conversation c ON c.id = m.conversation_id WHERE m.id IN ({marks}) AND +m.shop_id = %s
"""
OF_NUMBERS = """
    SELECT c.id, c.id, c.customer_id, c.closed_at FROM conversations_conversation c
    WHERE c.id IN ({marks}) AND +c.shop_id = %s
"""


class Received(msgspec.Struct, frozen=True):
    """An item of the ledger that waits to be understood."""

    id: int
    channel_account_id: int
    dedupe_key: str
    received_at: datetime
    envelope: dict[str, object]
    size: int

    @property
    def is_history(self) -> bool:
        """Whether it was in the mailbox before Tiski came."""
        return bool(self.envelope.get("history"))


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of the mail, without its row yet; `content_id` is the name by which the mail's HTML shows it."""

    blob: Blob
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that was read, on its way to its conversation."""

    received: Received
    mailbox: Mailbox
    parsed: Parsed
    files: Sequence[Kept] = ()


class Place(NamedTuple):
    """A conversation, as far as it must be known to decide about it."""

    id: int
    customer_id: int
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a mail goes: into `conversation`, or into a new one when it is None; by which rule.

    Not `is_verified` when the sender is no participant, or when the domain denies having sent it. `suggested` is a
    conversation it may belong to, without proof.
    """

    conversation: int | None
    rule: str
    is_verified: bool = True
    suggested: int | None = None


@dataclass(slots=True)
class _Clues:
    """What a mail says about where it belongs: proofs of ours first, then the mails it answers."""

    number: int | None
    ours: list[int]
    references: list[str]


@dataclass(slots=True)
class _Known:
    """What the database says to the clues of all mails; `answered` by mailbox and Message-ID."""

    numbers: dict[int, Place] = field(default_factory=dict)
    messages: dict[int, Place] = field(default_factory=dict)
    answered: dict[tuple[int, str], int] = field(default_factory=dict)
    owners: dict[str, int] = field(default_factory=dict)


def decide(letters: Sequence[Letter]) -> list[Decision]:
    """For each mail the first signal that fits, weighed by who sends, with a few statements for all of them.

    A subject alone never threads, and a sign-in code never does: whoever had it sent to a conversation's address may
    take part in that conversation.
    """
    clues = [_clues(letter) for letter in letters]
    known = _look_up(letters, clues)
    return [_decision(letter, clue, known) for letter, clue in zip(letters, clues, strict=True)]


def references(parsed: Parsed) -> list[str]:
    """The Message-IDs a mail says it answers, nearest first, each once."""
    named = (parsed.in_reply_to, *reversed(parsed.references))
    return list(dict.fromkeys(each for each in named if each))[:100]


def _clues(letter: Letter) -> _Clues:
    parsed = letter.parsed
    if parsed.is_sensitive:
        return _Clues(None, [], [])
    addresses = [*parsed.delivered_to, *(each.address for each in (*parsed.to, *parsed.cc))]
    named = references(parsed)
    return _Clues(marks.conversation_in(addresses, letter.mailbox.address), marks.messages_in(named), named)


def _look_up(letters: Sequence[Letter], clues: Sequence[_Clues]) -> _Known:
    known = _Known()
    named: dict[int, dict[str, None]] = {}
    for letter, clue in zip(letters, clues, strict=True):
        named.setdefault(letter.mailbox.id, {}).update(dict.fromkeys(clue.references))
    for mailbox, ids in named.items():
        if ids:
            found = fetch(ANSWERED.format(marks=marks_for(ids)), [mailbox, current_shop(), *ids])
            known.answered |= {(mailbox, source): message for source, message in found}
    known.messages = _places(OF_MESSAGES, {*known.answered.values(), *(ours for clue in clues for ours in clue.ours)})
    known.numbers = _places(OF_NUMBERS, {clue.number for clue in clues if clue.number is not None})
    if known.messages or known.numbers:
        known.owners = customers.owners("email", {_sender(letter.parsed).canonical for letter in letters})
    return known


def _places(statement: str, numbers: Collection[int]) -> dict[int, Place]:
    if not numbers:
        return {}
    found = fetch(statement.format(marks=marks_for(numbers)), [*numbers, current_shop()])
    return {number: Place(place, customer, moment_or_none(closed)) for number, place, customer, closed in found}


def _decision(letter: Letter, clues: _Clues, known: _Known) -> Decision:
    parsed = letter.parsed
    denied = parsed.authentication.dmarc == "fail"
    if parsed.is_sensitive:
        return Decision(None, "new:sensitive", is_verified=not denied)
    strong = _by_token(clues, known) or _by_our_message(clues, known)
    if strong is not None:
        place, rule = strong
        return _unless_too_old(place, rule, is_verified=_takes_part(place, parsed, known) and not denied)
    medium = _by_their_message(letter, clues, known)
    if medium is None:
        return Decision(None, "new", is_verified=not denied)
    if denied or not _takes_part(medium, parsed, known):
        return Decision(None, "new:reference-without-proof", is_verified=not denied, suggested=medium.id)
    return _unless_too_old(medium, "reference", is_verified=True)


def _by_token(clues: _Clues, known: _Known) -> tuple[Place, str] | None:
    place = known.numbers.get(clues.number) if clues.number is not None else None
    return (place, "token") if place else None


def _by_our_message(clues: _Clues, known: _Known) -> tuple[Place, str] | None:
    newest = max((ours for ours in clues.ours if ours in known.messages), default=None)
    return (known.messages[newest], "message-id") if newest is not None else None


def _by_their_message(letter: Letter, clues: _Clues, known: _Known) -> Place | None:
    """An answer to a mail that came in here before: known to everyone who got it, so no proof by itself."""
    answered = (known.answered.get((letter.mailbox.id, each)) for each in clues.references)
    newest = max((message for message in answered if message is not None), default=None)
    return known.messages[newest] if newest is not None else None


def _sender(parsed: Parsed) -> Address:
    assert parsed.sender is not None  # noqa: S101  who has no sender was quarantined before
    return parsed.sender


def _takes_part(place: Place, parsed: Parsed, known: _Known) -> bool:
    """Whether the sender is the customer, or someone an answer of ours went to."""
    sender = _sender(parsed)
    if known.owners.get(sender.canonical) == place.customer_id:
        return True
    return OutboxItem.objects.filter(message__conversation=place.id, recipient__iexact=sender.address).exists()


def _unless_too_old(place: Place, rule: str, *, is_verified: bool) -> Decision:
    if place.closed_at is not None and clock.now() - place.closed_at > REOPENS_WITHIN:
        return Decision(None, f"new:{rule}-closed-long-ago", is_verified=is_verified, suggested=place.id)
    return Decision(place.id, rule if is_verified else f"{rule}:unverified", is_verified=is_verified)
