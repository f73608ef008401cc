"""Where to begin in a folder: at its first reading, and when its server has numbered it anew (RFC 3501 2.3.1.1)."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tiski.channels.email import actions as mail
from tiski.channels.email import fetching
from tiski.channels.email.connecting import ImapBox
from tiski.channels.email.fetching import Head, Suspects
from tiski.channels.email.mailbox import Mailbox
from tiski.channels.email.models import MailboxCursor
from tiski.conversations.models import ChannelAccount, InboundRaw, Message
from tiski.kernel import clock

ASKED_AT_ONCE = 500

log = logging.getLogger(__name__)


def find_place(box: ImapBox, mailbox: Mailbox, account: ChannelAccount, cursor: MailboxCursor) -> None:
    """Set the cursor where reading goes on. Raises `LeaseLost`."""
    status = box.folder.status(mailbox.settings.folder, ["UIDVALIDITY", "UIDNEXT"])
    validity, newest = int(status["UIDVALIDITY"]), int(status["UIDNEXT"]) - 1
    if cursor.uidvalidity is None:
        # What came after the mailbox was connected is new, however long the first connection took.
        live = _arrived_since(box, account.enabled_at or cursor.started_at, newest)
        history_uid = min((head.uid for head in live), default=newest + 1) - 1
        first = min(_first_place(box, mailbox, history_uid), history_uid)
        mail.begin(cursor, uidvalidity=validity, last_uid=first, history_uid=history_uid)
    elif cursor.uidvalidity != validity:
        _find_what_is_unknown(box, account, cursor, newest=newest)
        mail.begin(cursor, uidvalidity=validity, last_uid=newest, history_uid=newest)


def _first_place(box: ImapBox, mailbox: Mailbox, newest: int) -> int:
    backfill = mailbox.settings.backfill
    if backfill == "all":
        return 0
    if not backfill.isdecimal():
        return newest
    found = fetching.search(box, _since(clock.now() - timedelta(days=int(backfill))))
    return min(found, default=newest + 1) - 1


def _find_what_is_unknown(box: ImapBox, account: ChannelAccount, cursor: MailboxCursor, *, newest: int) -> None:
    """Look at the headers of what came since we began, and fetch only what nobody here has seen.

    The place itself moves afterwards: after a crash all this is done again, and stores nothing twice.
    """
    since, read_at = cursor.started_at, cursor.read_at or cursor.started_at
    uids = [uid for uid in fetching.search(box, _since(since - timedelta(days=1))) if uid <= newest]
    unknown = {head.uid: head for head in _unknown(account, fetching.heads(box, uids))}
    new = 0
    for mails in fetching.mails(box, sorted(unknown), Suspects()):
        marked = [
            replace(each, is_history=bool(each.arrived_at and each.arrived_at < read_at), is_recovered=True)
            for each in mails
        ]
        new += mail.take(cursor, account, marked)
    if new:
        mail.recovered(account, count=new, since=read_at)
    log.warning("the folder was numbered anew", extra={"mailbox": account.id, "fetched": new})


def _unknown(account: ChannelAccount, heads: Sequence[Head]) -> list[Head]:
    """Different mails can share a Message-ID, and even all their headers: then it is counted how many are here."""
    stored: Counter[str] = Counter()
    names = list({head.message_id for head in heads if head.message_id})
    for start in range(0, len(names), ASKED_AT_ONCE):
        some = names[start : start + ASKED_AT_ONCE]
        said = Message.objects.filter(channel_account=account, source_id__in=some).values_list("id", flat=True)
        kept = InboundRaw.objects.filter(channel_account=account, message__in=list(said))
        stored.update(kept.values_list("envelope__head", flat=True))
    there = Counter(head.key for head in heads)
    return [head for head in heads if not head.message_id or there[head.key] > stored[head.key]]


def _arrived_since(box: ImapBox, moment: datetime, newest: int) -> list[Head]:
    """The server's clock counts whole seconds."""
    since = moment.replace(microsecond=0)
    uids = [uid for uid in fetching.search(box, _since(since - timedelta(days=1))) if uid <= newest]
    return [head for head in fetching.heads(box, uids) if head.arrived_at and head.arrived_at >= since]


def _since(moment: datetime) -> str:
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    day = moment.astimezone(UTC)
    return f"SINCE {day.day}-{months[day.month - 1]}-{day.year}"
