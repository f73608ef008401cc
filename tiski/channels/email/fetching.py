"""Asking an IMAP folder: which mails, how large, since when, and the mails (RFC 3501). Nothing is changed there."""

from __future__ import annotations

import imaplib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime

from tiski.channels.email.actions.cursors import Fetched
from tiski.channels.email.connecting import ImapBox
from tiski.channels.email.parsing.dedupe import head_key

BATCH, BATCH_BYTES = 50, 10_000_000
HEADS_AT_ONCE = 500
KNOWN_BY = "MESSAGE-ID FROM DATE SUBJECT"
LARGEST = 50 * 1024 * 1024
ALONE_AFTER, HOPELESS_AFTER = 2, 5
UID = re.compile(rb"\bUID (\d+)")
SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
ARRIVED = re.compile(rb'INTERNALDATE "([^"]+)"')
MESSAGE_ID = re.compile(rb"message-id:\s*(<[^<>\s]+>)", re.IGNORECASE)

Answer = list[bytes | tuple[bytes, bytes] | None]


@dataclass(frozen=True, slots=True)
class Head:
    """What is asked of a mail before it is fetched; `key` is over what its headers say."""

    uid: int
    arrived_at: datetime | None
    message_id: str
    key: str


@dataclass(slots=True)
class Suspects:
    """Mails during whose fetching the connection broke. Again and again, and a mail is fetched alone, then given up."""

    breaks: Counter[int] = field(default_factory=Counter)

    def is_suspect(self, uid: int) -> bool:
        """Whether it should not take others down with it."""
        return self.breaks[uid] >= ALONE_AFTER

    def is_hopeless(self, uid: int) -> bool:
        """Whether the folder must go on without it."""
        return self.breaks[uid] >= HOPELESS_AFTER

    @contextmanager
    def watch(self, uids: Sequence[int]) -> Iterator[None]:
        """Count a break against the mails that were on their way."""
        try:
            yield
        except (OSError, imaplib.IMAP4.abort):
            self.breaks.update(uids)
            raise
        for uid in uids:
            self.breaks.pop(uid, None)


class Refused(Exception):
    """The server answered NO."""


def forget_news(box: ImapBox) -> None:
    """Whatever the server has said of new mail, the search that follows will see it."""
    box.client.untagged_responses.pop("EXISTS", None)


def has_news(box: ImapBox) -> bool:
    """Whether the server said in passing that mail has come: once, in answer to any command (RFC 3501 7.3.1)."""
    return "EXISTS" in box.client.untagged_responses


def search(box: ImapBox, criteria: str) -> list[int]:
    """UIDs of what fits, ascending."""
    answer = _uid(box, "SEARCH", criteria)
    return sorted(int(number) for line in answer if isinstance(line, bytes) for number in line.split())


def heads(box: ImapBox, uids: Sequence[int]) -> list[Head]:
    """When each mail arrived on the server, its Message-ID, and by which headers it is known."""
    found = []
    for start in range(0, len(uids), HEADS_AT_ONCE):
        some = ",".join(map(str, uids[start : start + HEADS_AT_ONCE]))
        answer = _uid(box, "FETCH", some, f"(UID INTERNALDATE BODY.PEEK[HEADER.FIELDS ({KNOWN_BY})])")
        for about, content in _items(answer):
            uid, named = UID.search(about), MESSAGE_ID.search(content)
            if uid:
                name = named[1].decode("ascii", "replace") if named else ""
                found.append(Head(int(uid[1]), _arrived(about), name, head_key(content)))
    return sorted(found, key=lambda head: head.uid)


def mails(box: ImapBox, uids: Sequence[int], suspects: Suspects) -> Iterator[list[Fetched]]:
    """Mails in batches of at most fifty and about ten megabytes; of one that is too large only the headers."""
    for start in range(0, len(uids), BATCH):
        batch: list[int] = []
        size_of_batch = 0
        for uid, size in _sizes(box, uids[start : start + BATCH]):
            single = size > LARGEST or suspects.is_suspect(uid)
            if batch and (single or size_of_batch + size > BATCH_BYTES):
                yield _fetched(box, batch, suspects)
                batch, size_of_batch = [], 0
            if single:
                yield [_one(box, uid, suspects, is_large=size > LARGEST)]
            else:
                batch.append(uid)
                size_of_batch += size
        if batch:
            yield _fetched(box, batch, suspects)


def _fetched(box: ImapBox, uids: list[int], suspects: Suspects) -> list[Fetched]:
    try:
        with suspects.watch(uids):
            return _bodies(box, uids)
    except Refused:
        # One mail the server cannot read makes it refuse them all.
        return [_one(box, uid, suspects) for uid in uids]


def _one(box: ImapBox, uid: int, suspects: Suspects, *, is_large: bool = False) -> Fetched:
    if suspects.is_hopeless(uid):
        return Fetched(uid, b"", partial="not_fetched")
    if not is_large:
        try:
            with suspects.watch([uid]):
                return _bodies(box, [uid])[0]
        except (Refused, IndexError):
            pass
    try:
        with suspects.watch([uid]):
            found = _bodies(box, [uid], part="BODY.PEEK[HEADER]", partial="too_large" if is_large else "not_fetched")
            return found[0]
    except (Refused, IndexError):
        return Fetched(uid, b"", partial="not_fetched")


def _bodies(box: ImapBox, uids: Sequence[int], *, part: str = "BODY.PEEK[]", partial: str = "") -> list[Fetched]:
    answer = _uid(box, "FETCH", ",".join(map(str, uids)), f"(UID INTERNALDATE {part})")
    found = []
    for about, content in _items(answer):
        uid = UID.search(about)
        if uid:
            found.append(_whole_or_head(Fetched(int(uid[1]), content, _arrived(about), partial)))
    return sorted(found, key=lambda fetched: fetched.uid)


def _whole_or_head(mail: Fetched) -> Fetched:
    """Some servers say a smaller size than they send."""
    if len(mail.raw) <= LARGEST:
        return mail
    head = re.split(rb"\r?\n\r?\n", mail.raw[: 1024 * 1024], maxsplit=1)[0]
    return Fetched(mail.uid, head + b"\r\n\r\n", mail.arrived_at, "too_large")


def _sizes(box: ImapBox, uids: Sequence[int]) -> list[tuple[int, int]]:
    sizes = {}
    for line in _uid(box, "FETCH", ",".join(map(str, uids)), "(UID RFC822.SIZE)"):
        said = line[0] if isinstance(line, tuple) else line or b""
        uid, size = UID.search(said), SIZE.search(said)
        if uid and size:
            sizes[int(uid[1])] = int(size[1])
    return sorted(sizes.items())


def _items(answer: Answer) -> Iterator[tuple[bytes, bytes]]:
    """What is said about each literal, and the literal; servers may name the UID before it or after it."""
    for position, item in enumerate(answer):
        if isinstance(item, tuple):
            after = answer[position + 1] if position + 1 < len(answer) else b""
            yield item[0] + b" " + (after if isinstance(after, bytes) else b""), item[1]


def _arrived(about: bytes) -> datetime | None:
    match = ARRIVED.search(about)
    try:
        return parsedate_to_datetime(match[1].decode().strip().replace("-", " ", 2)) if match else None
    except (ValueError, UnicodeError):
        return None


def _uid(box: ImapBox, command: str, *arguments: str) -> Answer:
    status, answer = box.client.uid(command, *arguments)
    if status != "OK":
        raise Refused(f"UID {command} was answered {status}")
    return list(answer)
