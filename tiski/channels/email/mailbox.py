"""A mailbox's settings, typed: what is kept in `ChannelAccount.settings`, and the passwords in its secret."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from tiski.conversations.models import ChannelAccount
from tiski.kernel.reading import columns, fetch, made
from tiski.kernel.scope import current_shop

KIND = "email"
ACCOUNT = "SELECT {account} FROM conversations_channelaccount a WHERE a.id = %s AND a.shop_id = %s"
ADDRESSES = "SELECT id, settings FROM conversations_channelaccount WHERE kind = %s AND shop_id = %s"


class Security(StrEnum):
    """How a connection is encrypted; `none` only towards this very machine."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class Server(msgspec.Struct, frozen=True):
    """A mail server as the shop's provider names it."""

    host: str
    port: int
    security: Security
    user: str


class Settings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a merchant sets.

    `backfill` says what is read of the mail that is there already: `now` for none, `all`, or a number of days.
    `plus_addressing`: the mail host delivers `name+anything@` to `name@`, so replies may carry a token in the address.
    `authserv_ids` are the names under which the mail host writes Authentication-Results.
    """

    address: str = ""
    sender_name: str = ""
    imap: Server | None = None
    smtp: Server | None = None
    folder: str = "INBOX"
    backfill: str = "now"
    plus_addressing: bool = False
    acknowledges: bool = True
    authserv_ids: tuple[str, ...] = ()
    demo: bool = False


class Passwords(msgspec.Struct, frozen=True):
    """What is encrypted at rest."""

    imap: str = ""
    smtp: str = ""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox, ready for use."""

    id: int
    shop_id: int
    settings: Settings
    passwords: Passwords

    @property
    def address(self) -> str:
        """The address customers write to."""
        return self.settings.address

    @property
    def domain(self) -> str:
        """What stands after the at sign."""
        return self.address.rpartition("@")[2]


def mailbox_of(account: ChannelAccount) -> Mailbox:
    """The account's settings and passwords."""
    settings = msgspec.convert(account.settings, Settings)
    passwords = msgspec.json.decode(account.secret, type=Passwords) if account.secret else Passwords()
    return Mailbox(account.id, account.shop_id, settings, passwords)


def account(number: int) -> ChannelAccount:
    """A channel account of the shop in scope, as every received mail asks for it; raises `DoesNotExist`."""
    found = fetch(ACCOUNT.format(account=columns(ChannelAccount, "a")), [number, current_shop()])
    if not found:
        raise ChannelAccount.DoesNotExist
    return made(ChannelAccount, found[0])


def own_addresses() -> dict[int, str]:
    """The address of every mailbox of the shop in scope that has one, by its account."""
    found = fetch(ADDRESSES, [KIND, current_shop()])
    settings = {number: kept if isinstance(kept, dict) else msgspec.json.decode(kept) for number, kept in found}
    return {number: str(kept["address"]) for number, kept in settings.items() if kept.get("address")}


def stored(settings: Settings) -> dict[str, object]:
    """Settings as they are kept."""
    kept: dict[str, object] = msgspec.to_builtins(settings)
    return kept


def sealed(passwords: Passwords) -> str:
    """Passwords as they are handed to the encrypted field."""
    return msgspec.json.encode(passwords).decode()
