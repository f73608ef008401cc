"""The automatic answer to a first mail: one per conversation, within budgets, echoing nothing (channels.md 3.4)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tiski.accounts import queries as accounts
from tiski.accounts.models import Shop
from tiski.channels.email import marks
from tiski.channels.email.mailbox import Mailbox
from tiski.channels.email.parsing.model import Address, Parsed
from tiski.conversations import actions as conversations
from tiski.conversations.actions import Posted, Posting, Refused
from tiski.conversations.contract import Destination
from tiski.conversations.models import Message, OutboxItem, OutboxState
from tiski.kernel import clock, ids, limits
from tiski.kernel.action import SYSTEM, Actor, action
from tiski.kernel.errors import TooMany
from tiski.kernel.scope import current_shop

DAY = 86_400.0
PER_ADDRESS = ((3, DAY), (10, 30 * DAY))
BOUNCED_LATELY = timedelta(days=30)
PER_MAILBOX = ((60, 600.0), (200, 3600.0), (1000, DAY))

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Thanks:
    """A conversation that a mail has begun, and who would be told."""

    conversation: int
    customer: int
    mailbox: Mailbox
    parsed: Parsed


@action
def acknowledge(several: Sequence[Thanks], *, by: Actor = SYSTEM) -> list[str]:
    """Tell each sender that the mail has come, unless it could start a loop or would be one too many.

    Returns why nothing was sent, as codes for the ledger; empty for those who were told.
    """
    reasons = _why_not(several)
    told = [thanks for thanks, reason in zip(several, reasons, strict=True) if not reason]
    if not told:
        return reasons
    shop = Shop.objects.get(id=current_shop())
    hours = accounts.open_state(shop)
    letters = [_letter(shop, hours, thanks) for thanks in told]
    posted = conversations.post_many(
        [
            Posting(
                shop_id=shop.id,
                conversation_id=thanks.conversation,
                client_id=ids.uuid7(),
                author=by,
                body=body,
                is_automatic=True,
                meta={"subject": subject},
            )
            for thanks, (subject, body) in zip(told, letters, strict=True)
        ]
    )
    numbers = [_stored(outcome) for outcome in posted]
    messages = Message.objects.in_bulk(numbers)
    for thanks, number in zip(told, numbers, strict=True):
        stable_id = marks.message_id(number, thanks.mailbox.domain)
        conversations.queue_outbox(messages[number], [Destination(_sender(thanks).address, stable_id)], by=by)
    return reasons


def _stored(outcome: Posted | Refused) -> int:
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome.message_id


def _sender(thanks: Thanks) -> Address:
    assert thanks.parsed.sender is not None  # noqa: S101  who has no sender was quarantined before
    return thanks.parsed.sender


def _why_not(several: Sequence[Thanks]) -> list[str]:
    reasons = [_why_not_at_all(thanks) for thanks in several]
    open_ones = {at: thanks for at, thanks in enumerate(several) if not reasons[at]}
    for at in _bounced_lately(open_ones):
        reasons[at] = "not_acknowledged_bounced"
        del open_ones[at]
    # First all senders, in the order of their addresses, then the mailboxes: two workers never wait for each other.
    for at, thanks in sorted(open_ones.items(), key=lambda item: _sender(item[1]).canonical):
        if not _within(thanks.mailbox, f"{thanks.mailbox.shop_id}:{_sender(thanks).canonical}", PER_ADDRESS):
            reasons[at] = "not_acknowledged_budget"
    for at, thanks in sorted(open_ones.items(), key=lambda item: item[1].mailbox.id):
        if not reasons[at] and not _within(thanks.mailbox, f"mailbox:{thanks.mailbox.id}", PER_MAILBOX):
            reasons[at] = "not_acknowledged_budget"
    return reasons


def _why_not_at_all(thanks: Thanks) -> str:
    parsed, settings = thanks.parsed, thanks.mailbox.settings
    if parsed.suppress_ack or parsed.authentication.dmarc == "fail":
        return "not_acknowledged_sender"
    if not settings.acknowledges or not settings.smtp or settings.demo:
        return "not_acknowledged_off"
    return ""


def _bounced_lately(several: Mapping[int, Thanks]) -> list[int]:
    """Asked by the customer, whose conversations are few: no index finds a recipient among all that was ever sent."""
    if not several:
        return []
    bounced = OutboxItem.objects.filter(
        message__conversation__customer_id__in={thanks.customer for thanks in several.values()},
        state=OutboxState.BOUNCED,
        accepted_at__gt=clock.now() - BOUNCED_LATELY,
    )
    found = {
        (customer, recipient.lower())
        for customer, recipient in bounced.values_list("message__conversation__customer_id", "recipient")
    }
    return [at for at, thanks in several.items() if (thanks.customer, _sender(thanks).address.lower()) in found]


def _within(mailbox: Mailbox, whose: str, budget: Sequence[tuple[int, float]]) -> bool:
    try:
        for limit, per in budget:
            limits.allow_stored(f"ack:{per}:{whose}", limit=limit, per=per)
    except TooMany:
        log.warning("an acknowledgement was left out: its budget is used up", extra={"mailbox": mailbox.id})
        return False
    return True


def _letter(shop: Shop, hours: accounts.OpenState, thanks: Thanks) -> tuple[str, str]:
    """Subject and text, in the language of the mail."""
    with translation.override(thanks.parsed.language or shop.language), timezone.override(shop.timezone):
        subject = _("We have received your message (T-%(number)s)") % {"number": thanks.conversation}
        return subject, _body(shop, hours, thanks.conversation)


def _body(shop: Shop, hours: accounts.OpenState, conversation: int) -> str:
    lines = [
        _("Hello,"),
        _("thank you for your message. It has reached us, and a person will answer it. %(when)s")
        % {"when": _when(hours)},
        _("Your reference is T-%(number)s. To add something, just reply to this message.") % {"number": conversation},
        _("Kind regards\n%(shop)s") % {"shop": shop.name},
    ]
    return "\n\n".join(lines)


def _when(state: accounts.OpenState) -> str:
    if state.is_open:
        return _("We are here now and answer as soon as we can.")
    if state.opens_at is None:
        return _("We answer as soon as we can.")
    opens = timezone.localtime(state.opens_at)
    return _("We are closed at the moment and open again on %(day)s at %(time)s.") % {
        "day": date_format(opens, "l j.n."),
        "time": date_format(opens, "H.i" if translation.get_language() == "fi" else "H:i"),
    }
