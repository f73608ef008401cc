"""Reading mailboxes: one thread each, a cursor by UID, IDLE in between; the server is only read (RFC 3501, 2177)."""

from __future__ import annotations

import logging
import os
import random
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from django.db import DatabaseError, connection

from tiski.channels.email import actions as mail
from tiski.channels.email import connecting
from tiski.channels.email.actions.cursors import Fetched
from tiski.channels.email.connecting import ImapBox
from tiski.channels.email.errors import MailboxFault, NotStored
from tiski.channels.email.mailbox import KIND, Mailbox, mailbox_of
from tiski.channels.email.models import MailboxCursor
from tiski.conversations.models import ChannelAccount, Message
from tiski.kernel import ids
from tiski.kernel.scope import shop_scope

LOOK_AROUND = 3.0
SHORTEST_WAIT, LONGEST_WAIT = 5.0, 300.0
IDLE_SLICE = 1.0
SEARCH_EVERY = 300.0
POLL_EVERY = 60.0
RENEW_EVERY = 20.0
BATCH, BATCH_BYTES = 50, 10_000_000
LARGEST = 50 * 1024 * 1024
SIZE = re.compile(rb"UID (\d+)\b.*?RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+).*?UID (\d+)", re.DOTALL)
UID = re.compile(rb"UID (\d+)")
ARRIVED = re.compile(rb'INTERNALDATE "([^"]+)"')
MESSAGE_ID = re.compile(rb"message-id:\s*(<[^<>\s]+>)", re.IGNORECASE)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Following:
    """A thread that follows one mailbox, and the state of the account it was started with."""

    thread: threading.Thread
    stop: threading.Event
    state: str


def read_mailboxes(stop: threading.Event) -> None:
    """Keep one thread per mailbox that is on, until told to stop; started anew when its settings change."""
    following: dict[int, Following] = {}
    while not stop.is_set():
        wanted = _wanted()
        for account_id, one in list(following.items()):
            if wanted.get(account_id) != one.state or not one.thread.is_alive():
                one.stop.set()
                del following[account_id]
        for account_id, state in wanted.items():
            if account_id not in following:
                following[account_id] = _start(account_id, state)
        stop.wait(LOOK_AROUND)
    for one in following.values():
        one.stop.set()
    for one in following.values():
        one.thread.join(timeout=10)
    connection.close()


def _wanted() -> dict[int, str]:
    accounts = ChannelAccount.unscoped.filter(kind=KIND, enabled_at__isnull=False, disabled_at__isnull=True)
    rows = accounts.values_list("id", "settings", "secret")
    return {number: f"{settings}{secret}" for number, settings, secret in rows if settings.get("imap")}


def _start(account_id: int, state: str) -> Following:
    stop = threading.Event()
    thread = threading.Thread(target=follow, args=(account_id, stop), name=f"mailbox-{account_id}", daemon=True)
    thread.start()
    return Following(thread, stop, state)


def follow(account_id: int, stop: threading.Event) -> None:
    """Read one mailbox until told to stop; after a fault try again, later each time, for ever."""
    owner = f"{os.getpid()}-{ids.key()}"
    wait = SHORTEST_WAIT
    while not stop.is_set():
        account = ChannelAccount.unscoped.get(id=account_id)
        with shop_scope(account.shop_id):
            began = time.monotonic()
            fault = _attend(account, owner, stop)
        wait = (
            SHORTEST_WAIT if time.monotonic() - began > LONGEST_WAIT or fault is None else min(wait * 2, LONGEST_WAIT)
        )
        stop.wait(wait * random.uniform(0.7, 1.3))  # noqa: S311  jitter, no secret
    connection.close()


def _attend(account: ChannelAccount, owner: str, stop: threading.Event) -> MailboxFault | None:
    """One connection from beginning to end; the fault that ended it, if one did."""
    try:
        cursor = mail.hold(account, owner)
        if cursor is None:
            return None
        try:
            _read_along(account, cursor, owner, stop)
        finally:
            mail.let_go(cursor, owner)
    except MailboxFault as fault:
        return _told(account, fault)
    except DatabaseError:
        log.exception("mail could not be stored; it stays on the server", extra={"mailbox": account.id})
        connection.close()
        return NotStored()
    except Exception as error:
        log.exception("a mailbox could not be read; trying again", extra={"mailbox": account.id})
        connection.close()
        with_words = MailboxFault()
        with_words.__cause__ = error
        return _told(account, with_words)
    return None


def _told(account: ChannelAccount, fault: MailboxFault) -> MailboxFault:
    try:
        mail.report(account, "imap", fault)
    except DatabaseError:
        connection.close()
    return fault


def _read_along(account: ChannelAccount, cursor: MailboxCursor, owner: str, stop: threading.Event) -> None:
    mailbox = mailbox_of(account)
    with connecting.imap(mailbox) as box:
        _find_place(box, mailbox, account, cursor)
        mail.report(account, "imap", None)
        while not stop.is_set():
            with connecting.faults():
                fetch_new(box, account, cursor)
                for _slice in _until_something_comes(box, stop):
                    if mail.hold(account, owner) is None:
                        return
            mail.report(account, "imap", None)


def _find_place(box: ImapBox, mailbox: Mailbox, account: ChannelAccount, cursor: MailboxCursor) -> None:
    folder = mailbox.settings.folder
    with connecting.faults():
        status = box.folder.status(folder, ["UIDVALIDITY", "UIDNEXT"])
    newest = int(status["UIDNEXT"]) - 1
    validity = int(status["UIDVALIDITY"])
    if cursor.uidvalidity is None:
        mail.begin(cursor, uidvalidity=validity, last_uid=_first_place(box, mailbox, newest), history_uid=newest)
    elif cursor.uidvalidity != validity:
        _renumbered(box, account, cursor, validity=validity, newest=newest)


def _first_place(box: ImapBox, mailbox: Mailbox, newest: int) -> int:
    backfill = mailbox.settings.backfill
    if backfill == "all":
        return 0
    if not backfill.isdecimal():
        return newest
    since = (datetime.now(UTC) - timedelta(days=int(backfill))).strftime("%d-%b-%Y")
    with connecting.faults():
        found = _search(box, f"SINCE {since}")
    return min(found) - 1 if found else newest


def _renumbered(box: ImapBox, account: ChannelAccount, cursor: MailboxCursor, *, validity: int, newest: int) -> None:
    """UIDVALIDITY changed: look at the headers of what came since we began, and fetch only what is unknown."""
    mail.start_over(cursor, uidvalidity=validity, history_uid=newest)
    with connecting.faults():
        uids = _search(box, f"SINCE {cursor.started_at.strftime('%d-%b-%Y')}")
        named = {uid: _message_id(box, uid) for uid in uids}
    known = set(
        Message.objects.filter(
            channel_account=account, source_id__in=[name for name in named.values() if name]
        ).values_list("source_id", flat=True)
    )
    unknown = [uid for uid in uids if named[uid] not in known]
    with connecting.faults():
        for mails in _fetched(box, unknown):
            mail.take(cursor, account, mails, up_to=0)
    mail.take(cursor, account, [], up_to=newest)
    log.warning("the folder was numbered anew", extra={"mailbox": account.id, "fetched": len(unknown)})


def fetch_new(box: ImapBox, account: ChannelAccount, cursor: MailboxCursor) -> int:
    """Store everything above the cursor, in batches; returns how many mails were new."""
    # A server answers `n:*` with the newest message even when it is older than n.
    uids = [uid for uid in _search(box, f"UID {cursor.last_uid + 1}:*") if uid > cursor.last_uid]
    return sum(mail.take(cursor, account, mails, up_to=mails[-1].uid) for mails in _fetched(box, uids))


def _fetched(box: ImapBox, uids: list[int]) -> Iterator[list[Fetched]]:
    """Mails in batches of at most fifty and about ten megabytes; of one that is too large only the headers."""
    for start in range(0, len(uids), BATCH):
        sizes = _sizes(box, uids[start : start + BATCH])
        batch: list[int] = []
        for uid in sorted(sizes):
            if sizes[uid] > LARGEST:
                if batch:
                    yield _bodies(box, batch)
                yield _bodies(box, [uid], part="BODY.PEEK[HEADER]", too_large=True)
                batch = []
                continue
            if batch and sum(sizes[each] for each in batch) + sizes[uid] > BATCH_BYTES:
                yield _bodies(box, batch)
                batch = []
            batch.append(uid)
        if batch:
            yield _bodies(box, batch)


def _bodies(box: ImapBox, uids: list[int], *, part: str = "BODY.PEEK[]", too_large: bool = False) -> list[Fetched]:
    answer = _uid(box, "FETCH", ",".join(map(str, uids)), f"(UID INTERNALDATE {part})")
    found = []
    for item in answer:
        if isinstance(item, tuple):
            uid = UID.search(item[0])
            if uid:
                found.append(Fetched(int(uid[1]), item[1], _arrived(item[0]), too_large))
    return sorted(found, key=lambda fetched: fetched.uid)


def _sizes(box: ImapBox, uids: list[int]) -> dict[int, int]:
    sizes = {}
    for item in _uid(box, "FETCH", ",".join(map(str, uids)), "(UID RFC822.SIZE)"):
        match = SIZE.search(item if isinstance(item, bytes) else item[0]) if item else None
        if match:
            sizes[int(match[1] or match[4])] = int(match[2] or match[3])
    return sizes


def _message_id(box: ImapBox, uid: int) -> str:
    for item in _uid(box, "FETCH", str(uid), "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"):
        match = MESSAGE_ID.search(item[1]) if isinstance(item, tuple) else None
        if match:
            return match[1].decode("ascii", "replace")
    return ""


def _search(box: ImapBox, criteria: str) -> list[int]:
    answer = _uid(box, "SEARCH", criteria)
    return sorted(int(number) for line in answer if isinstance(line, bytes) for number in line.split())


def _uid(box: ImapBox, command: str, *arguments: str) -> list[bytes | tuple[bytes, bytes] | None]:
    status, answer = box.client.uid(command, *arguments)
    if status != "OK":
        raise box.client.abort(f"UID {command} was answered {status}")
    return list(answer)


def _arrived(line: bytes) -> datetime | None:
    match = ARRIVED.search(line)
    try:
        return parsedate_to_datetime(match[1].decode().replace("-", " ", 2)) if match else None
    except ValueError:
        return None


def _until_something_comes(box: ImapBox, stop: threading.Event) -> Iterator[None]:
    """Wait with IDLE, or a minute without it; yields every 20 s so that the lease can be renewed."""
    ends = time.monotonic() + (SEARCH_EVERY if _can_idle(box) else POLL_EVERY)
    renewed = time.monotonic()
    if _can_idle(box):
        box.idle.start()
    try:
        while not stop.is_set() and time.monotonic() < ends:
            if not _can_idle(box):
                stop.wait(IDLE_SLICE)
            elif box.idle.poll(timeout=IDLE_SLICE):
                return
            if time.monotonic() - renewed > RENEW_EVERY:
                renewed = time.monotonic()
                yield
    finally:
        if _can_idle(box):
            box.idle.stop()


def _can_idle(box: ImapBox) -> bool:
    return "IDLE" in box.client.capabilities
