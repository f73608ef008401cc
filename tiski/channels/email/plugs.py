"""What email teaches the engines: the channel, and the mailbox readers that run in every worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from email.errors import MessageError
from functools import partial

import orjson
from django.utils import translation
from django.utils.translation import gettext as _

from tiski.accounts.models import Shop
from tiski.channels.email import actions as mail
from tiski.channels.email import child, letters, marks, measures, reading, refusing, sending
from tiski.channels.email.errors import MailboxFault
from tiski.channels.email.mailbox import KIND, Mailbox, account, mailbox_of
from tiski.conversations.contract import (
    ALLOWED,
    Ability,
    Accepted,
    Addressee,
    Outgoing,
    Situation,
    Verdict,
    register_channel,
)
from tiski.conversations.models import ChannelAccount
from tiski.kernel import checks, metrics, worker
from tiski.kernel.errors import NotFound, SendFailed
from tiski.kernel.reading import fetch

THEIRS = """
    SELECT m.meta FROM conversations_message m JOIN conversations_channelaccount a ON a.id = m.channel_account_id
    WHERE m.conversation_id = %s AND m.shop_id = %s AND m.author_kind = 'customer' AND a.kind = %s
    ORDER BY m.seq DESC LIMIT 20
"""
FIRST_ADDRESS = """
    SELECT shown FROM customers_identity WHERE customer_id = %s AND shop_id = %s AND kind = 'email' ORDER BY id LIMIT 1
"""


class Email:
    """Answers leave through the shop's SMTP server, held a few seconds first."""

    kind = KIND
    can = frozenset({Ability.SENDS_OUT, Ability.UNDO, Ability.SUBJECT, Ability.HTML, Ability.FILES})
    longest_body = 100_000

    @property
    def name(self) -> str:
        """As people call it."""
        return _("Email")

    def can_send(self, conversation: Situation) -> Verdict:
        """Not without a mailbox that sends, nor without an address."""
        mailbox = _mailbox(conversation.channel_account_id)
        if mailbox is None or not (mailbox.settings.smtp or mailbox.settings.demo):
            return Verdict(False, _("No mailbox is connected for sending. An owner can connect one in the settings."))
        if not _recipient(conversation):
            return Verdict(False, _("No email address of this customer is known."))
        return ALLOWED

    def addressees(self, conversation: Situation) -> Sequence[Addressee]:
        """The address the customer last wrote from."""
        recipient, mailbox = _recipient(conversation), _mailbox(conversation.channel_account_id)
        if not recipient or mailbox is None:
            return ()
        return (Addressee(recipient, partial(marks.message_id, domain=mailbox.domain)),)

    def deliver(self, item: Outgoing) -> Accepted:
        """Send one mail; the demo's goes nowhere, because its people do not exist."""
        sender = ChannelAccount.objects.get(id=item.channel_account_id)
        mailbox = mailbox_of(sender)
        if mailbox.settings.demo:
            return Accepted("demo")
        with translation.override(_language_of(sender)):
            try:
                return sending.send(mailbox, _letter(mailbox, item))
            except MailboxFault as fault:
                mail.report(sender, "smtp", fault)
                # Not for good: it goes out by itself when the owner has put the mailbox right.
                raise SendFailed(permanent=False, reason=str(fault)) from fault


def _letter(mailbox: Mailbox, item: Outgoing) -> letters.Letter:
    try:
        return letters.letter(mailbox, item)
    except (ValueError, LookupError, MessageError, NotFound) as error:
        raise SendFailed(permanent=True, reason=refusing.not_writable()) from error


def _language_of(sender: ChannelAccount) -> str:
    return Shop.objects.values_list("language", flat=True).get(id=sender.shop_id)


def _mailbox(account_id: int) -> Mailbox | None:
    try:
        found = account(account_id)
    except ChannelAccount.DoesNotExist:
        return None
    return mailbox_of(found) if found.kind == KIND and found.is_on else None


def _recipient(conversation: Situation) -> str:
    """Where the customer's last proved message came from, else their first address. Never an unproved sender's."""
    for (kept,) in fetch(THEIRS, [conversation.conversation_id, conversation.shop_id, KIND]):
        meta = kept if isinstance(kept, dict) else orjson.loads(kept)
        if meta.get("from") and not meta.get("unverified"):
            return str(meta["from"])
    known = fetch(FIRST_ADDRESS, [conversation.customer_id, conversation.shop_id])
    return str(known[0][0]) if known else ""


@checks.register
def parser_limits_apply() -> Iterator[checks.Problem]:
    """The parser child must really be limited, or one hostile mail could take the machine."""
    problems = child.problems_with_limits()
    child.close()  # a process that reads no mail keeps no parser; one that does starts it again
    for problem in problems:
        yield checks.Problem(problem, "Run Tiski on Linux, as a user whose limits may be lowered.")


register_channel(Email())
worker.service(reading.read_mailboxes)
metrics.measure(measures.mailboxes)
