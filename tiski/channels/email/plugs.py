"""What email teaches the engines: the channel, and the mailbox readers that run in every worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from email.errors import MessageError

from django.utils import translation
from django.utils.translation import gettext as _

from tiski.accounts.models import Shop
from tiski.channels.email import actions as mail
from tiski.channels.email import child, letters, marks, measures, reading, refusing, sending
from tiski.channels.email.errors import MailboxFault
from tiski.channels.email.mailbox import KIND, Mailbox, mailbox_of
from tiski.conversations.contract import (
    ALLOWED,
    Ability,
    Accepted,
    Destination,
    Outgoing,
    Situation,
    Verdict,
    register_channel,
)
from tiski.conversations.models import ChannelAccount, Message
from tiski.customers.models import Identity
from tiski.kernel import checks, metrics, worker
from tiski.kernel.errors import NotFound, SendFailed


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

    def destinations(self, conversation: Situation, message_id: int) -> Sequence[Destination]:
        """The address the customer last wrote from."""
        recipient, mailbox = _recipient(conversation), _mailbox(conversation.channel_account_id)
        if not recipient or mailbox is None:
            return ()
        return (Destination(recipient, marks.message_id(message_id, mailbox.domain)),)

    def deliver(self, item: Outgoing) -> Accepted:
        """Send one mail; the demo's goes nowhere, because its people do not exist."""
        account = ChannelAccount.objects.get(id=item.channel_account_id)
        mailbox = mailbox_of(account)
        if mailbox.settings.demo:
            return Accepted("demo")
        with translation.override(_language_of(account)):
            try:
                return sending.send(mailbox, _letter(mailbox, item))
            except MailboxFault as fault:
                mail.report(account, "smtp", fault)
                # Not for good: it goes out by itself when the owner has put the mailbox right.
                raise SendFailed(permanent=False, reason=str(fault)) from fault


def _letter(mailbox: Mailbox, item: Outgoing) -> letters.Letter:
    try:
        return letters.letter(mailbox, item)
    except (ValueError, LookupError, MessageError, NotFound) as error:
        raise SendFailed(permanent=True, reason=refusing.not_writable()) from error


def _language_of(account: ChannelAccount) -> str:
    return Shop.objects.values_list("language", flat=True).get(id=account.shop_id)


def _mailbox(account_id: int) -> Mailbox | None:
    account = ChannelAccount.objects.filter(id=account_id, kind=KIND).first()
    return mailbox_of(account) if account is not None and account.is_on else None


def _recipient(conversation: Situation) -> str:
    """Where the customer's last proved message came from, else their first address. Never an unproved sender's."""
    theirs = Message.objects.filter(
        conversation_id=conversation.conversation_id, author_kind="customer", channel_account__kind=KIND
    ).order_by("-seq")
    for meta in theirs.values_list("meta", flat=True)[:20]:
        if meta.get("from") and not meta.get("unverified"):
            return str(meta["from"])
    known = Identity.objects.filter(customer_id=conversation.customer_id, kind="email").order_by("id")
    return known.values_list("shown", flat=True).first() or ""


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
