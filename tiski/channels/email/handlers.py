"""What mailboxes do when they hear an event."""

from __future__ import annotations

from collections.abc import Sequence

from tiski.channels.email import actions as mail
from tiski.channels.email import connecting, receiving
from tiski.channels.email.errors import MailboxFault
from tiski.channels.email.events import MailboxCheckAsked
from tiski.channels.email.mailbox import KIND, mailbox_of
from tiski.conversations.events import MessageDelivered, RawReceived
from tiski.conversations.models import ChannelAccount, OutboxItem
from tiski.kernel.events import FactRow, Heard, Outcomes, hears, hears_many


@hears_many(RawReceived, most=receiving.TOGETHER)
def read_what_came(several: Sequence[Heard[RawReceived]]) -> Outcomes:
    """Mails are stored: understand them."""
    outcomes = receiving.understand_many([each.event.raw for each in several if each.event.kind == KIND])
    return [outcomes.get(each.event.raw) for each in several]


@hears(MailboxCheckAsked, slow=True)
def try_both_servers(event: MailboxCheckAsked, fact: FactRow) -> None:
    """Sign in to both servers and write down how it went."""
    account = ChannelAccount.objects.filter(id=event.channel_account).first()
    if account is None:
        return
    mailbox = mailbox_of(account)
    for side, connect in (("imap", connecting.imap), ("smtp", connecting.smtp)):
        if getattr(mailbox.settings, side) is None:
            continue
        fault: MailboxFault | None = None
        try:
            with connect(mailbox):
                pass
        except MailboxFault as found:
            fault = found
        mail.report(account, side, fault)


@hears(MessageDelivered)
def note_that_sending_works(event: MessageDelivered, fact: FactRow) -> None:
    """A mail was taken: whatever was wrong with sending is over."""
    item = OutboxItem.objects.select_related("channel_account").filter(id=event.item).first()
    if item is not None and item.channel_account.kind == KIND and not item.channel_account.settings.get("demo"):
        mail.report(item.channel_account, "smtp", None)
