"""What others may hear about mailboxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tiski.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxCheckAsked(Event):
    """Someone wants to know whether the mailbox can be reached; the answer stands in its health."""

    name: ClassVar[str] = "mail.check_asked"
    channel_account: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRecovered(Event):
    """Mail that had come while the mailbox could not be read was fetched."""

    name: ClassVar[str] = "mail.recovered"
    channel_account: int
    count: int
