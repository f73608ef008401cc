"""Marks that prove a mail answers one of ours: the token in an address, and our own Message-IDs (channels.md 3.2).

Nothing guessable is ever accepted: each mark carries 128 bits of a keyed hash over what it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tiski.kernel import tokens

REPLY = re.compile(r"\+r([0-9]{1,18})\.([a-z2-7]{26})@", re.ASCII)
BOUNCE = re.compile(r"\+b([0-9]{1,18})\.([a-z2-7]{26})@", re.ASCII)
MESSAGE_ID = re.compile(r"<m\.([0-9]{1,18})\.([a-z2-7]{26})@[^<>\s]{1,255}>", re.ASCII)


def reply_address(mailbox_address: str, conversation_id: int) -> str:
    """`name+r<conversation>.<mac>@domain`: what is sent there belongs to the conversation."""
    return _plus(
        mailbox_address, f"r{conversation_id}.{tokens.mac_text('mail-reply', conversation_id, mailbox_address)}"
    )


def return_path(mailbox_address: str, item_id: int) -> str:
    """`name+b<outbox item>.<mac>@domain`: what is sent there is about that delivery (VERP)."""
    return _plus(mailbox_address, f"b{item_id}.{tokens.mac_text('mail-bounce', item_id, mailbox_address)}")


def message_id(message: int, domain: str) -> str:
    """Our Message-ID for a message: the same on every try, and known only to who has the mail."""
    return f"<m.{message}.{tokens.mac_text('mail-message', message)}@{domain}>"


def conversation_in(addresses: Iterable[str], mailbox_address: str) -> int | None:
    """The conversation a valid reply token among the addresses names."""
    return _named(REPLY, "mail-reply", addresses, mailbox_address)


def delivery_in(addresses: Iterable[str], mailbox_address: str) -> int | None:
    """The outbox item a valid return path among the addresses names."""
    return _named(BOUNCE, "mail-bounce", addresses, mailbox_address)


def messages_in(ids: Iterable[str]) -> list[int]:
    """Our messages that the Message-IDs name, forged ones left out."""
    found = (MESSAGE_ID.fullmatch(each.strip()) for each in ids)
    return [int(match[1]) for match in found if match and tokens.matches("mail-message", match[2], int(match[1]))]


def _named(pattern: re.Pattern[str], purpose: str, addresses: Iterable[str], mailbox_address: str) -> int | None:
    for address in addresses:
        match = pattern.search(address.lower())
        if match and tokens.matches(purpose, match[2], int(match[1]), mailbox_address):
            return int(match[1])
    return None


def _plus(mailbox_address: str, token: str) -> str:
    local, _at, domain = mailbox_address.rpartition("@")
    return f"{local}+{token}@{domain}"
