"""What a channel is: the plug by which chat, email and others carry messages, and the registry of those there are.

A channel is data and abilities. The console asks what a channel can do, never which channel it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class Ability(StrEnum):
    """What a channel can do; screens show what is among these."""

    SENDS_OUT = "sends_out"  # answers leave the house through the outbox
    UNDO = "undo"  # an answer is held a few seconds and can be taken back
    SUBJECT = "subject"  # conversations have a subject line
    HTML = "html"  # messages may be formatted
    FILES = "files"  # messages may carry files
    TYPING = "typing"  # the customer sees that someone is writing
    PRESENCE = "presence"  # it is known whether the customer is here
    READ_MARKS = "read_marks"  # it is known how far the customer has read


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a message may be sent now; if not, why, and from when it may."""

    is_allowed: bool
    reason: str = ""
    until: datetime | None = None


ALLOWED = Verdict(True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a channel knows about a conversation when it says whether, and where to, an answer may go.

    `last_inbound_at` is the time of the customer's last message, by which time windows are counted.
    """

    conversation_id: int
    conversation_uuid: UUID
    shop_id: int
    channel_account_id: int
    customer_id: int
    now: datetime
    last_inbound_at: datetime | None = None
    author_is_human: bool = True


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who would get an answer; `stable_id` tells, by a message's id, its `Destination.stable_id`."""

    recipient: str
    stable_id: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Destination:
    """One recipient of a message. `stable_id` is the same on every try, such as a mail's Message-ID."""

    recipient: str
    stable_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One outbox item, claimed: what `deliver` has to send. `fence` proves the claim when the result is recorded."""

    item_id: int
    fence: int
    shop_id: int
    channel_account_id: int
    conversation_id: int
    message_id: int
    recipient: str
    stable_id: str
    tries: int
    is_automatic: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side has taken the message; `provider_id` is the name it gave it."""

    provider_id: str = ""


class OutcomeUnknown(Exception):
    """The connection broke after the message was handed over: it may have been taken, or not."""


class Channel(Protocol):
    """One kind of channel. Chat and email each register one."""

    @property
    def kind(self) -> str:
        """The code kept in `ChannelAccount.kind`, such as `email`; also the name of its icon."""

    @property
    def name(self) -> str:
        """What people call the channel, in the language of the moment."""

    @property
    def can(self) -> frozenset[Ability]:
        """What the channel is able to do."""

    @property
    def longest_body(self) -> int:
        """The most characters an answer may have."""

    def can_send(self, conversation: Situation) -> Verdict:
        """Whether an answer may be sent now; asked before the composer opens and again before sending. No network."""

    def addressees(self, conversation: Situation) -> Sequence[Addressee]:
        """Who gets an answer. Nobody, for a channel that sends nothing out.

        Asked before the transaction that stores it, and in it once more if the customer has written meanwhile.
        """

    def deliver(self, item: Outgoing) -> Accepted:
        """Send one item, outside any transaction, within 50 seconds. Raises `SendFailed` or `OutcomeUnknown`.

        Nothing may happen between the other side's "accepted" and the return, so that it is recorded at once.
        """


@dataclass(slots=True)
class _Channels:
    by_kind: dict[str, Channel] = field(default_factory=dict)


_channels = _Channels()


def register_channel(channel: Channel) -> None:
    """Make a kind of channel known; called from the `plugs.py` of the package that brings it."""
    known = _channels.by_kind.setdefault(channel.kind, channel)
    if type(known) is not type(channel):
        raise ValueError(f"two channels are of kind {channel.kind!r}")


def channel_for(kind: str) -> Channel:
    """The channel of this kind; a KeyError names a kind that no installed package brings."""
    return _channels.by_kind[kind]


def channels() -> tuple[Channel, ...]:
    """Every registered channel, by kind."""
    return tuple(channel for _kind, channel in sorted(_channels.by_kind.items()))
