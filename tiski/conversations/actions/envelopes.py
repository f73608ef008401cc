"""What is handed to the writer, and what it answers.

Structs, because a frozen dataclass of so many fields takes ten times as long to make, once for each message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from tiski.kernel.action import SYSTEM, Actor
from tiski.kernel.errors import Refusal

LONGEST_CHAT = 4_000
LONGEST_BODY = 2_000_000
MOST_FILES = 20


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes from a browser: the hash of their token, and the conversation's uuid they made before the first send.

    The first message opens the conversation; later ones are stored only with the same token.
    """

    token_hash: str
    conversation: UUID
    channel_account_id: int
    language: str = ""


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """A message to be stored, in a conversation known by id or, from a browser, by `visitor`.

    `client_id` is made once per message by whoever writes it, and kept over every retry. `uploader` says whose uploads
    `files` (blob ids) may be; a visitor's are the visitor's own. `is_history` marks what is read from an old mailbox:
    nobody waits for an answer.
    """

    shop_id: int
    client_id: UUID
    body: str
    author: Actor = SYSTEM
    conversation_id: int | None = None
    visitor: Visitor | None = None
    channel_account_id: int | None = None
    html: str | None = None
    files: tuple[str, ...] = ()
    uploader: str = ""
    source_id: str = ""
    is_automatic: bool = False
    is_history: bool = False
    created_at: datetime | None = None
    meta: Mapping[str, object] | None = None


class Posted(msgspec.Struct, frozen=True):
    """A stored message; not `is_new` when the same `client_id` had been stored before."""

    conversation_id: int
    conversation_uuid: UUID
    seq: int
    message_id: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that was not stored, and why; its text comes in the language of whoever reads it."""

    error: Refusal

    @property
    def code(self) -> str:
        """The stable code of the refusal."""
        return self.error.code

    @property
    def text(self) -> str:
        """The sentence for people."""
        return str(self.error)
