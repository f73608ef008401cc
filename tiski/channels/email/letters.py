"""Building a mail from a message of ours (channels.md 3.11)."""

from __future__ import annotations

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from django.utils.html import format_html

from tiski.accounts.models import Shop
from tiski.channels.email import marks
from tiski.channels.email.mailbox import Mailbox
from tiski.conversations.contract import Outgoing
from tiski.conversations.models import Attachment, Message
from tiski.kernel import blobs
from tiski.kernel.models import Blob
from tiski.kernel.text import clean_line, text_to_html

MOST_REFERENCES = 20


@dataclass(frozen=True, slots=True)
class Letter:
    """A finished mail: the envelope's sender ("" for automatic mail), its recipient, and the bytes."""

    sender: str
    recipient: str
    content: bytes


def letter(mailbox: Mailbox, item: Outgoing) -> Letter:
    """The mail for an outbox item; the same item gives the same Message-ID on every try."""
    message = Message.objects.select_related("conversation", "agent").get(id=item.message_id)
    mail = EmailMessage(policy=SMTP)
    _address(mail, mailbox, item, message)
    _thread(mail, message)
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = item.stable_id
    if message.conversation.language:
        mail["Content-Language"] = message.conversation.language
    if item.is_automatic:
        mail["Auto-Submitted"] = "auto-replied"
        mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(message.body + "\n", cte="quoted-printable")
    mail.add_alternative(_html(message), subtype="html", cte="quoted-printable")
    _attach(mail, message)
    return Letter(_return_path(mailbox, item), item.recipient, mail.as_bytes())


def subject_of(message: Message) -> str:
    """`Re:` and the conversation's subject; an automatic answer brings its own and never echoes the sender's."""
    own = str(message.meta.get("subject", ""))
    if own:
        return own
    subject = message.conversation.subject
    return subject if subject.lower().startswith("re:") else f"Re: {subject}".strip()


def _address(mail: EmailMessage, mailbox: Mailbox, item: Outgoing, message: Message) -> None:
    shop_name = mailbox.settings.sender_name or Shop.objects.values_list("name", flat=True).get(id=mailbox.shop_id)
    person = message.agent.name.split(maxsplit=1)[0] if message.agent and message.agent.name.strip() else ""
    name = f"{person}, {shop_name}" if person else shop_name
    mail["From"] = Address(clean_line(name, longest=120), addr_spec=mailbox.address)
    mail["To"] = Address(addr_spec=item.recipient)
    mail["Subject"] = clean_line(subject_of(message), longest=250)
    if mailbox.settings.plus_addressing:
        mail["Reply-To"] = Address(addr_spec=marks.reply_address(mailbox.address, item.conversation_id))


def _thread(mail: EmailMessage, message: Message) -> None:
    """Point to the customer's last mail, and to the first and the last twenty of the conversation."""
    earlier = Message.objects.filter(conversation_id=message.conversation_id, seq__lt=message.seq).order_by("seq")
    named = [
        (kind, source or _ours(number, mail))
        for kind, source, number in earlier.values_list("author_kind", "source_id", "id")
    ]
    theirs = [name for kind, name in named if kind == "customer" and name]
    names = [name for _kind, name in named if name]
    if theirs:
        mail["In-Reply-To"] = theirs[-1]
    if names:
        mail["References"] = " ".join(names if len(names) <= MOST_REFERENCES else [names[0], *names[-MOST_REFERENCES:]])


def _ours(number: int, mail: EmailMessage) -> str:
    return marks.message_id(number, str(mail["From"].addresses[0].domain))


def _return_path(mailbox: Mailbox, item: Outgoing) -> str:
    if item.is_automatic:
        return ""
    return marks.return_path(mailbox.address, item.item_id) if mailbox.settings.plus_addressing else mailbox.address


def _html(message: Message) -> str:
    body = text_to_html(message.body)
    return format_html('<!doctype html><html><body><div dir="auto">{}</div></body></html>', body)


def _attach(mail: EmailMessage, message: Message) -> None:
    kept = dict(Attachment.objects.filter(message=message).values_list("blob_id", "name"))
    for blob in Blob.unscoped.filter(id__in=kept, shop_id=message.shop_id):
        maintype, _slash, subtype = (blob.content_type or "application/octet-stream").partition("/")
        with blobs.open_blob(blob) as file:
            mail.add_attachment(
                file.read(), maintype=maintype, subtype=subtype or "octet-stream", filename=kept[blob.id]
            )
