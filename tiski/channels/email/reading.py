"""Reading mailboxes: one thread each, a cursor by UID, IDLE in between; the server is only read (RFC 3501, 2177)."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db import DatabaseError, connection

from tiski.channels.email import actions as mail
from tiski.channels.email import beginning, connecting, fetching
from tiski.channels.email.actions.cursors import LeaseLost
from tiski.channels.email.connecting import ImapBox
from tiski.channels.email.errors import CannotBeWritten, MailboxFault, NotStored, WrongPassword
from tiski.channels.email.fetching import Suspects
from tiski.channels.email.mailbox import KIND, mailbox_of
from tiski.channels.email.models import MailboxCursor
from tiski.conversations.models import ChannelAccount
from tiski.kernel import clock, ids
from tiski.kernel.batch import FULL_DISK
from tiski.kernel.scope import shop_scope

LOOK_AROUND = 3.0
SHORTEST_WAIT, LONGEST_WAIT = 5.0, 45.0
# Providers lock an account that signs in wrongly too often.
LONGEST_WAIT_FOR_PASSWORD = 300.0
IDLE_SLICE = 1.0
SEARCH_EVERY = 300.0
POLL_EVERY = 60.0
RENEW_EVERY = 20.0
OUTAGE = timedelta(minutes=10)

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
        try:
            _follow_all(following, _wanted())
        except DatabaseError:
            log.exception("the mailboxes could not be listed; trying again")
            connection.close()
        stop.wait(LOOK_AROUND)
    for one in following.values():
        one.stop.set()
    for one in following.values():
        one.thread.join(timeout=10)
    connection.close()


def _follow_all(following: dict[int, Following], wanted: dict[int, str]) -> None:
    for account_id, one in list(following.items()):
        if wanted.get(account_id) != one.state or not one.thread.is_alive():
            one.stop.set()
            del following[account_id]
    for account_id, state in wanted.items():
        if account_id not in following:
            following[account_id] = _start(account_id, state)


def _wanted() -> dict[int, str]:
    accounts = ChannelAccount.unscoped.filter(kind=KIND, enabled_at__isnull=False, disabled_at__isnull=True)
    rows = accounts.values_list("id", "settings", "secret", "enabled_at")
    return {number: f"{settings}{secret}{on}" for number, settings, secret, on in rows if settings.get("imap")}


def _start(account_id: int, state: str) -> Following:
    stop = threading.Event()
    thread = threading.Thread(target=follow, args=(account_id, stop), name=f"mailbox-{account_id}", daemon=True)
    thread.start()
    return Following(thread, stop, state)


def follow(account_id: int, stop: threading.Event) -> None:
    """Read one mailbox until told to stop; after a fault try again, later each time, for ever."""
    owner = f"{os.getpid()}-{ids.key()}"
    suspects = Suspects()
    faults = 0
    while not stop.is_set():
        began = time.monotonic()
        fault = attend(account_id, owner, suspects, stop)
        faults = 0 if fault is None or time.monotonic() - began > LONGEST_WAIT else faults + 1
        longest = LONGEST_WAIT_FOR_PASSWORD if isinstance(fault, WrongPassword) else LONGEST_WAIT
        wait = min(SHORTEST_WAIT * 2 ** max(faults - 1, 0), longest)
        stop.wait(wait * random.uniform(0.7, 1.3))  # noqa: S311  jitter, no secret
    connection.close()


def attend(account_id: int, owner: str, suspects: Suspects, stop: threading.Event) -> MailboxFault | None:
    """One connection from beginning to end; the fault that ended it, if one did."""
    try:
        account = ChannelAccount.unscoped.filter(id=account_id).first()
        if account is None:
            return None
        with shop_scope(account.shop_id):
            return _attend(account, owner, suspects, stop)
    except DatabaseError:
        connection.close()
        return CannotBeWritten()


def _attend(account: ChannelAccount, owner: str, suspects: Suspects, stop: threading.Event) -> MailboxFault | None:
    try:
        cursor = mail.hold(account, owner)
        if cursor is None:
            return None
        try:
            _read_along(account, cursor, suspects, stop)
        finally:
            mail.let_go(cursor, owner)
    except LeaseLost:
        return None
    except MailboxFault as fault:
        return _told(account, fault)
    except DatabaseError as error:
        log.exception("mail could not be stored; it stays on the server", extra={"mailbox": account.id})
        connection.close()
        is_full = any(words in str(error).lower() for words in FULL_DISK)
        return _told(account, NotStored() if is_full else CannotBeWritten())
    except Exception as error:
        log.exception("a mailbox could not be read; trying again", extra={"mailbox": account.id})
        connection.close()
        with_words = MailboxFault()
        with_words.__cause__ = error
        return _told(account, with_words)
    return None


def _told(account: ChannelAccount, fault: MailboxFault) -> MailboxFault:
    """On a full disk even this may not be written; then the age of the last reading tells."""
    try:
        mail.report(account, "imap", fault)
    except DatabaseError:
        connection.close()
    return fault


def _read_along(account: ChannelAccount, cursor: MailboxCursor, suspects: Suspects, stop: threading.Event) -> None:
    mailbox = mailbox_of(account)
    with connecting.imap(mailbox) as box:
        with connecting.faults():
            beginning.find_place(box, mailbox, account, cursor)
        while not stop.is_set():
            with connecting.faults():
                fetch_new(box, account, cursor, suspects=suspects, stop=stop)
            mail.report(account, "imap", None)
            with connecting.faults():
                for _slice in _until_something_comes(box, stop):
                    if mail.hold(account, cursor.owner) is None:
                        raise LeaseLost


def fetch_new(
    box: ImapBox,
    account: ChannelAccount,
    cursor: MailboxCursor,
    *,
    suspects: Suspects | None = None,
    stop: threading.Event | None = None,
) -> int:
    """Store everything above the cursor, in batches; returns how many mails were new. Raises `LeaseLost`."""
    fetching.forget_news(box)
    # A server answers `n:*` with the newest message even when it is older than n.
    uids = [uid for uid in fetching.search(box, f"UID {cursor.last_uid + 1}:*") if uid > cursor.last_uid]
    new, before = 0, cursor.read_at
    for mails in fetching.mails(box, uids, suspects or Suspects()):
        if mails:
            new += mail.take(cursor, account, mails, up_to=mails[-1].uid)
        if stop is not None and stop.is_set():
            return new
    mail.looked_through(cursor)
    if new and before is not None and clock.now() - before > OUTAGE:
        mail.recovered(account, count=new, since=before)
    return new


def _until_something_comes(box: ImapBox, stop: threading.Event) -> Iterator[None]:
    """Wait with IDLE, or a minute without it; yields every 20 s so that the lease can be renewed."""
    if fetching.has_news(box):
        return
    can_idle = "IDLE" in box.client.capabilities
    ends = time.monotonic() + (SEARCH_EVERY if can_idle else POLL_EVERY)
    renewed = time.monotonic()
    connection.close()  # a waiting thread holds no connection to the database
    if can_idle:
        box.idle.start()  # type: ignore[no-untyped-call]
    try:
        while not stop.is_set() and time.monotonic() < ends and not fetching.has_news(box):
            asked = time.monotonic()
            if not can_idle:
                stop.wait(IDLE_SLICE)
            # Silence before its time is a connection that ended: it would be said again at once, for ever.
            elif box.idle.poll(timeout=IDLE_SLICE) or time.monotonic() - asked < IDLE_SLICE / 2:
                return
            if time.monotonic() - renewed > RENEW_EVERY:
                renewed = time.monotonic()
                yield
                connection.close()
    finally:
        if can_idle:
            box.idle.stop()  # type: ignore[no-untyped-call]
