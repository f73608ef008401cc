"""Understanding one received mail: parsed in the limited child, then acted on. Bad mails cost themselves only."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import DatabaseError

from tiski.channels.email import actions as mail
from tiski.channels.email import child
from tiski.channels.email.actions.placing import Kept
from tiski.channels.email.mailbox import Mailbox, account, mailbox_of, own_addresses
from tiski.channels.email.parsing.model import Kind, Parsed, Unparseable
from tiski.conversations import actions as conversations
from tiski.conversations.models import InboundRaw
from tiski.kernel import blobs
from tiski.kernel.action import SYSTEM
from tiski.kernel.errors import Invalid, Unavailable
from tiski.kernel.events import Retry
from tiski.kernel.reading import columns, fetch, made
from tiski.kernel.scope import current_shop

AFTER_A_DEATH = timedelta(seconds=2)
WHEN_STORAGE_IS_FULL = timedelta(seconds=30)
# In plain SQL here and below: a queryset is compiled anew for every mail, which costs more than its answer.
WAITING = """
    SELECT {raw}, kept.data FROM conversations_inboundraw r
    LEFT JOIN conversations_rawbytes kept ON kept.item_id = r.id
    WHERE r.id = %s AND r.shop_id = %s AND r.state = 'received'
"""

log = logging.getLogger(__name__)


def understand(raw_id: int) -> None:
    """Read a stored mail and act on it; a mail that has its verdict is left alone.

    Raises `Retry` while something else than the mail may be at fault: the parser died, or nothing can be stored.
    """
    found = fetch(WAITING.format(raw=columns(InboundRaw, "r")), [raw_id, current_shop()])
    if not found:
        return
    raw = made(InboundRaw, found[0][:-1])
    if partial := raw.envelope.get("partial"):
        mail.quarantine(raw, reason=str(partial))
        return
    mailbox = mailbox_of(account(raw.channel_account_id))
    own = list(own_addresses().values())
    try:
        parsed = child.parse(bytes(found[0][-1]), own_addresses=own, authserv_ids=mailbox.settings.authserv_ids)
    except Unparseable as unreadable:
        _set_aside(raw, unreadable)
        return
    _act(raw, mailbox, parsed)


def _act(raw: InboundRaw, mailbox: Mailbox, parsed: Parsed) -> None:
    try:
        if parsed.kind is Kind.BOUNCE:
            mail.bounced(raw, mailbox, parsed)
        elif parsed.sender is None:
            mail.quarantine(raw, reason=parsed.quarantine)
        else:
            mail.act(raw, mailbox, parsed, _keep(raw, parsed))
    except Unavailable as error:
        raise Retry(WHEN_STORAGE_IS_FULL) from error
    except DatabaseError:
        raise
    except Exception:
        log.exception("a mail could not be placed", extra={"raw": raw.id})
        _set_aside(raw, Unparseable("not_placed", died=True))


def _keep(raw: InboundRaw, parsed: Parsed) -> list[Kept]:
    """The files first, and outside the transaction: bytes before rows. What cannot be kept is in the original."""
    kept = []
    for each in parsed.attachments[: conversations.MOST_FILES]:
        if not each.content:
            continue
        try:
            blob = blobs.store(raw.shop_id, each.name or "attachment", each.content, accept=blobs.ANYTHING)
        except Invalid as refusal:
            log.warning("a file of a mail was left out: %s", refusal.code, extra={"raw": raw.id})
            continue
        kept.append(Kept(blob, each.content_id))
    return kept


def _set_aside(raw: InboundRaw, unreadable: Unparseable) -> None:
    if not unreadable.died:
        mail.quarantine(raw, reason=unreadable.reason)
    elif not conversations.count_death(raw, reason=unreadable.reason, by=SYSTEM):
        raise Retry(AFTER_A_DEATH)
