"""The automatic answer to a first mail: one per conversation, within budgets, echoing nothing (channels.md 3.4)."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tiski.accounts import queries as accounts
from tiski.accounts.models import Shop
from tiski.channels.email import marks
from tiski.channels.email.mailbox import Mailbox
from tiski.channels.email.parsing.model import Parsed
from tiski.conversations import actions as conversations
from tiski.conversations.contract import Destination
from tiski.conversations.models import Conversation, Message, OutboxItem, OutboxState
from tiski.kernel import clock, ids, limits
from tiski.kernel.action import SYSTEM, Actor, action
from tiski.kernel.errors import TooMany

DAY = 86_400.0
PER_ADDRESS = ((3, DAY), (10, 30 * DAY))
BOUNCED_LATELY = timedelta(days=30)
PER_MAILBOX = ((60, 600.0), (200, 3600.0), (1000, DAY))

log = logging.getLogger(__name__)


@action
def acknowledge(conversation: Conversation, mailbox: Mailbox, parsed: Parsed, *, by: Actor = SYSTEM) -> str:
    """Tell the sender that the mail has come, unless it could start a loop or would be one too many.

    Returns why nothing was sent, as a code for the ledger; empty when it was.
    """
    reason = _why_not(conversation, mailbox, parsed)
    if reason or parsed.sender is None:
        return reason
    shop = Shop.objects.get(id=conversation.shop_id)
    with translation.override(parsed.language or shop.language), timezone.override(shop.timezone):
        subject = _("We have received your message (T-%(number)s)") % {"number": conversation.id}
        body = _body(shop, conversation)
    posted = conversations.post(
        conversation, body=body, client_id=ids.uuid7(), is_automatic=True, meta={"subject": subject}, by=by
    )
    message = Message.objects.get(id=posted.message_id)
    stable_id = marks.message_id(message.id, mailbox.domain)
    conversations.queue_outbox(message, [Destination(parsed.sender.address, stable_id)], by=by)
    return ""


def _why_not(conversation: Conversation, mailbox: Mailbox, parsed: Parsed) -> str:
    if parsed.sender is None or parsed.suppress_ack or parsed.authentication.dmarc == "fail":
        return "not_acknowledged_sender"
    if not mailbox.settings.acknowledges or not mailbox.settings.smtp or mailbox.settings.demo:
        return "not_acknowledged_off"
    # Asked by the customer, whose conversations are few: no index finds a recipient among all that was ever sent.
    bounced = OutboxItem.objects.filter(
        message__conversation__customer_id=conversation.customer_id, state=OutboxState.BOUNCED
    )
    if bounced.filter(recipient__iexact=parsed.sender.address, accepted_at__gt=clock.now() - BOUNCED_LATELY).exists():
        return "not_acknowledged_bounced"
    return "" if _within_budget(mailbox, parsed.sender.canonical) else "not_acknowledged_budget"


def _within_budget(mailbox: Mailbox, canonical: str) -> bool:
    try:
        for limit, per in PER_ADDRESS:
            limits.allow_stored(f"ack:{per}:{mailbox.shop_id}:{canonical}", limit=limit, per=per)
        for limit, per in PER_MAILBOX:
            limits.allow_stored(f"ack:{per}:mailbox:{mailbox.id}", limit=limit, per=per)
    except TooMany:
        log.warning("an acknowledgement was left out: its budget is used up", extra={"mailbox": mailbox.id})
        return False
    return True


def _body(shop: Shop, conversation: Conversation) -> str:
    lines = [
        _("Hello,"),
        _("thank you for your message. It has reached us, and a person will answer it. %(when)s")
        % {"when": _when(shop)},
        _("Your reference is T-%(number)s. To add something, just reply to this message.")
        % {"number": conversation.id},
        _("Kind regards\n%(shop)s") % {"shop": shop.name},
    ]
    return "\n\n".join(lines)


def _when(shop: Shop) -> str:
    state = accounts.open_state(shop)
    if state.is_open:
        return _("We are here now and answer as soon as we can.")
    if state.opens_at is None:
        return _("We answer as soon as we can.")
    opens = timezone.localtime(state.opens_at)
    return _("We are closed at the moment and open again on %(day)s at %(time)s.") % {
        "day": date_format(opens, "l j.n."),
        "time": date_format(opens, "H.i" if translation.get_language() == "fi" else "H:i"),
    }
