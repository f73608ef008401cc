"""Understanding one received mail: parsed in the limited child, then acted on. Bad mails cost themselves only."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import DatabaseError

from tiski.channels.email import actions as mail
from tiski.channels.email import child
from tiski.channels.email.actions.placing import Kept
from tiski.channels.email.mailbox import Mailbox, mailbox_of
from tiski.channels.email.parsing.model import Kind, Parsed, Unparseable
from tiski.conversations import actions as conversations
from tiski.conversations.models import ChannelAccount, InboundRaw, RawBytes, RawState
from tiski.kernel import blobs
from tiski.kernel.action import SYSTEM
from tiski.kernel.errors import Invalid, Unavailable
from tiski.kernel.events import Retry

AFTER_A_DEATH = timedelta(seconds=2)
WHEN_STORAGE_IS_FULL = timedelta(seconds=30)

log = logging.getLogger(__name__)


def understand(raw_id: int) -> None:
    """Read a stored mail and act on it; a mail that has its verdict is left alone.

    Raises `Retry` while something else than the mail may be at fault: the parser died, or nothing can be stored.
    """
    raw = InboundRaw.objects.filter(id=raw_id, state=RawState.RECEIVED).first()
    if raw is None:
        return
    if partial := raw.envelope.get("partial"):
        mail.quarantine(raw, reason=str(partial))
        return
    mailbox = mailbox_of(ChannelAccount.objects.get(id=raw.channel_account_id))
    content = bytes(RawBytes.objects.values_list("data", flat=True).get(item_id=raw.id))
    try:
        parsed = child.parse(content, own_addresses=_own_addresses(), authserv_ids=mailbox.settings.authserv_ids)
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


def _own_addresses() -> list[str]:
    """Every mailbox of the shop: a mail from one of them is our own, come back."""
    accounts = ChannelAccount.objects.filter(kind="email")
    return [
        str(settings["address"]) for settings in accounts.values_list("settings", flat=True) if settings.get("address")
    ]
