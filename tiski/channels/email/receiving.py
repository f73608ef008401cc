"""Understanding received mails: parsed in the limited child, then acted on. Bad mails cost themselves only."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta

import orjson
from django.db import DatabaseError

from tiski.channels.email import actions as mail
from tiski.channels.email import child
from tiski.channels.email.mailbox import Mailbox, account, mailbox_of, own_addresses
from tiski.channels.email.parsing.model import Kind, Parsed, Unparseable
from tiski.channels.email.placing import Kept, Letter, Received, references
from tiski.conversations import actions as conversations
from tiski.conversations.models import InboundRaw
from tiski.kernel import blobs
from tiski.kernel.action import SYSTEM
from tiski.kernel.errors import Invalid, Unavailable
from tiski.kernel.events import Retry
from tiski.kernel.reading import fetch, marks, moment
from tiski.kernel.scope import current_shop

TOGETHER = 16
"""How many mails are acted on in one transaction: 4 ms as a rule and 20 at the most, for so long may a chat wait."""
THANKED_TOGETHER = 2
"""The same for those who may be thanked, which takes several times as long as posting their mail."""
LARGEST_TOGETHER = 4_000_000
PATIENCE_SECONDS = 5.0
AT_ONCE = timedelta()
AFTER_A_DEATH = timedelta(seconds=2)
WHEN_STORAGE_IS_FULL = timedelta(seconds=30)
# In plain SQL here and below: a queryset is compiled anew each time, which costs more than its answer.
WAITING = """
    SELECT id, channel_account_id, dedupe_key, received_at, envelope, size FROM conversations_inboundraw
    WHERE id IN ({marks}) AND +shop_id = %s AND state = 'received' ORDER BY id
"""
BYTES = "SELECT item_id, data FROM conversations_rawbytes WHERE item_id IN ({marks}) AND +shop_id = %s"

log = logging.getLogger(__name__)
Outcomes = dict[int, Exception]


def understand(raw_id: int) -> None:
    """Read a stored mail and act on it; a mail that has its verdict is left alone.

    Raises `Retry` while something else than the mail may be at fault: the parser died, or nothing can be stored.
    """
    outcomes = understand_many([raw_id])
    if outcomes:
        raise outcomes[raw_id]


def understand_many(raw_ids: Sequence[int]) -> Outcomes:
    """The same for several mails of the shop in scope, in order; what `understand` would raise, by mail.

    When it raises itself, some may be done already, and nothing is lost by asking for all of them again one by one.
    """
    reading = _Reading(len(raw_ids) == 1)
    for some in _of_bounded_size(_waiting(raw_ids)):
        for letters in _apart(reading.read(some)):
            reading.act(letters)
    return reading.finished()


class _Reading:
    """One round of reading: what is known of the shop's mailboxes, and what did not end well."""

    def __init__(self, is_alone: bool) -> None:
        self._is_alone = is_alone
        self._until = time.monotonic() + PATIENCE_SECONDS
        self._mailboxes: dict[int, Mailbox] = {}
        self._own = list(own_addresses().values())
        self._outcomes: Outcomes = {}
        self._deadly: dict[int, str] = {}

    def read(self, some: Sequence[Received]) -> list[Letter]:
        """What the mails say; those that cannot be read are set aside."""
        found = fetch(BYTES.format(marks=marks(some)), [*(each.id for each in some), current_shop()])
        raw = {number: bytes(data) for number, data in found}
        letters = [self._read(each, raw.pop(each.id)) for each in some]
        return [letter for letter in letters if letter is not None]

    def _read(self, received: Received, raw: bytes) -> Letter | None:
        if partial := received.envelope.get("partial"):
            mail.quarantine(received.id, reason=str(partial))
            return None
        if time.monotonic() > self._until and not self._is_alone:
            self._outcomes[received.id] = Retry(AT_ONCE)  # somebody's mails took long: these have time of their own
            return None
        mailbox = self._mailbox(received.channel_account_id)
        parsed = self._parse(received, mailbox, raw)
        if parsed is None:
            return None
        try:
            return Letter(received, mailbox, parsed, _keep(received, parsed))
        except Unavailable as error:
            log.warning("the files of a mail could not be stored", extra={"raw": received.id}, exc_info=error)
            self._outcomes[received.id] = Retry(WHEN_STORAGE_IS_FULL)
            return None

    def _parse(self, received: Received, mailbox: Mailbox, raw: bytes) -> Parsed | None:
        try:
            parsed = child.parse(raw, own_addresses=self._own, authserv_ids=mailbox.settings.authserv_ids)
        except Unparseable as unreadable:
            if unreadable.died:
                self._deadly[received.id] = unreadable.reason
            else:
                mail.quarantine(received.id, reason=unreadable.reason)
            return None
        if parsed.sender is None and parsed.kind is not Kind.BOUNCE:
            mail.quarantine(received.id, reason=parsed.quarantine)
            return None
        return parsed

    def act(self, letters: Sequence[Letter]) -> None:
        """Post them in one transaction. When one of several is at fault it is raised, for nobody knows which one."""
        try:
            mail.act(letters)
        except DatabaseError:
            raise
        except Unavailable:
            self._outcomes |= {letter.received.id: Retry(WHEN_STORAGE_IS_FULL) for letter in letters}
        except Exception:
            if not self._is_alone:
                raise
            log.exception("a mail could not be placed", extra={"raw": letters[0].received.id})
            self._deadly[letters[0].received.id] = "not_placed"

    def finished(self) -> Outcomes:
        """What is to be tried again. Deaths are counted last, when nothing can make this round begin anew."""
        for number, reason in self._deadly.items():
            if not conversations.count_death(InboundRaw.objects.get(id=number), reason=reason, by=SYSTEM):
                self._outcomes[number] = Retry(AFTER_A_DEATH)
        return self._outcomes

    def _mailbox(self, number: int) -> Mailbox:
        if number not in self._mailboxes:
            self._mailboxes[number] = mailbox_of(account(number))
        return self._mailboxes[number]


def _waiting(raw_ids: Sequence[int]) -> list[Received]:
    found = fetch(WAITING.format(marks=marks(raw_ids)), [*raw_ids, current_shop()]) if raw_ids else []
    return [
        Received(number, place, key, moment(at), said if isinstance(said, dict) else orjson.loads(said), size)
        for number, place, key, at, said, size in found
    ]


def _of_bounded_size(waiting: Sequence[Received]) -> Iterator[list[Received]]:
    """A few at a time where they are large: the memory holds them all."""
    some: list[Received] = []
    size = 0
    for each in waiting:
        if some and size + each.size > LARGEST_TOGETHER:
            yield some
            some, size = [], 0
        some.append(each)
        size += each.size
    if some:
        yield some


def _apart(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    """What goes into one transaction: not too much, and never a mail with its copy or its answer."""
    some: list[Letter] = []
    known: set[str] = set()
    room = 1.0
    for letter in letters:
        share = 1 / (THANKED_TOGETHER if _may_be_thanked(letter) else TOGETHER)
        named = {letter.received.dedupe_key, *references(letter.parsed)}
        if some and (room < share or known & named):
            yield some
            some, known, room = [], set(), 1.0
        some.append(letter)
        known |= {letter.received.dedupe_key, letter.parsed.message_id}
        room -= share
    if some:
        yield some


def _may_be_thanked(letter: Letter) -> bool:
    settings, envelope = letter.mailbox.settings, letter.received.envelope
    if letter.parsed.suppress_ack or envelope.get("history") or envelope.get("recovered"):
        return False
    return settings.acknowledges and settings.smtp is not None


def _keep(received: Received, parsed: Parsed) -> list[Kept]:
    """The files first, and outside the transaction: bytes before rows. What cannot be kept is in the original."""
    kept: list[Kept] = []
    if parsed.kind is Kind.BOUNCE:
        return kept
    for each in parsed.attachments[: conversations.MOST_FILES]:
        if not each.content:
            continue
        try:
            blob = blobs.lay(current_shop(), each.name or "attachment", each.content, accept=blobs.ANYTHING)
        except Invalid as refusal:
            log.warning("a file of a mail was left out: %s", refusal.code, extra={"raw": received.id})
            continue
        kept.append(Kept(blob, each.content_id))
    return kept
