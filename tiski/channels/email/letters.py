"""Building a mail from a message of ours (channels.md 3.11)."""

from __future__ import annotations

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Any

from django.template.loader import render_to_string

from tiski.accounts.models import Shop
from tiski.channels.email import marks
from tiski.channels.email.mailbox import Mailbox
from tiski.channels.email.parsing.address import canonical
from tiski.conversations.contract import Outgoing
from tiski.conversations.models import Attachment, Message, OutboxItem
from tiski.kernel import blobs
from tiski.kernel.models import Blob
from tiski.kernel.text import clean_line, text_to_html

MOST_REFERENCES = 20
NAMES_OF_MAILS = frozenset({"message-id", "in-reply-to", "references"})


class Letterhead(EmailPolicy):
    """Python's policy for SMTP, but names of mails are left as they are.

    The library would encode those longer than a line, such as Outlook's, and no mail program would know them again.
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        """The header's lines; one name to each line."""
        if name.lower() not in NAMES_OF_MAILS:
            return super().fold_binary(name, value)
        return b"%s: %s\r\n" % (name.encode("ascii"), b"\r\n ".join(str(value).encode("ascii", "ignore").split()))


POLICY = Letterhead().clone(**{name: getattr(SMTP, name) for name in ("linesep", "raise_on_defect", "cte_type")})


@dataclass(frozen=True, slots=True)
class Letter:
    """A finished mail: the envelope's sender ("" for automatic mail), its recipient, and the bytes."""

    sender: str
    recipient: str
    content: bytes


def letter(mailbox: Mailbox, item: Outgoing) -> Letter:
    """The mail for an outbox item; the same item gives the same Message-ID on every try.

    Raises ValueError for a recipient that is no address.
    """
    message = Message.objects.select_related("conversation", "agent").get(id=item.message_id)
    recipient = deliverable(item.recipient)
    mail = EmailMessage(policy=POLICY if recipient.isascii() else POLICY.clone(utf8=True))
    _address(mail, mailbox, item, message)
    mail["To"] = _plain_address(recipient)
    _thread(mail, message)
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = item.stable_id
    if message.conversation.language:
        mail["Content-Language"] = clean_line(message.conversation.language, longest=8)
    if item.is_automatic:
        mail["Auto-Submitted"] = "auto-replied"
        mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(message.body + "\n", cte="quoted-printable")
    mail.add_alternative(_html(message), subtype="html", cte="quoted-printable")
    _attach(mail, message)
    return Letter(_return_path(mailbox, item), recipient, mail.as_bytes())


def deliverable(address: str) -> str:
    """The address with its local part as stored and its domain as mail servers know it. Raises ValueError."""
    compared = canonical(address)
    if compared is None:
        raise ValueError("not an address")
    return f"{address.strip().rpartition('@')[0]}@{compared.rpartition('@')[2]}"


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
    mail["From"] = _plain_address(mailbox.address, clean_line(name, longest=120))
    mail["Subject"] = clean_line(subject_of(message), longest=250)
    if mailbox.settings.plus_addressing:
        mail["Reply-To"] = _plain_address(marks.reply_address(mailbox.address, item.conversation_id))


def _plain_address(address: str, name: str = "") -> Address:
    """Not by `addr_spec`, which refuses addresses that exist, such as those with two dots in a row."""
    local, _at, domain = address.rpartition("@")
    return Address(name, username=local, domain=domain)


def _thread(mail: EmailMessage, message: Message) -> None:
    """Point to the customer's last mail, and to the first and the last twenty of the conversation."""
    earlier = Message.objects.filter(
        conversation_id=message.conversation_id, seq__lt=message.seq, withdrawn_at__isnull=True
    ).order_by("seq")
    sent = dict(
        OutboxItem.objects.filter(message__conversation_id=message.conversation_id)
        .order_by("-id")
        .values_list("message_id", "stable_id")
    )
    names, theirs = [], ""
    for number, name in earlier.values_list("id", "source_id"):
        theirs = name or theirs
        if name or number in sent:
            names.append(name or sent[number])
    if theirs:
        mail["In-Reply-To"] = theirs
    if names:
        mail["References"] = " ".join(names if len(names) <= MOST_REFERENCES else [names[0], *names[-MOST_REFERENCES:]])


def _return_path(mailbox: Mailbox, item: Outgoing) -> str:
    if item.is_automatic:
        return ""
    return marks.return_path(mailbox.address, item.item_id) if mailbox.settings.plus_addressing else mailbox.address


def _html(message: Message) -> str:
    return render_to_string("email/letter.html", {"body": text_to_html(message.body)})


def _attach(mail: EmailMessage, message: Message) -> None:
    kept = dict(Attachment.objects.filter(message=message).order_by("id").values_list("blob_id", "name"))
    stored = {blob.id: blob for blob in Blob.unscoped.filter(id__in=kept, shop_id=message.shop_id)}
    for blob_id, name in kept.items():
        maintype, _slash, subtype = (stored[blob_id].content_type or "application/octet-stream").partition("/")
        with blobs.open_blob(stored[blob_id]) as file:
            mail.add_attachment(file.read(), maintype=maintype, subtype=subtype or "octet-stream", filename=name)
