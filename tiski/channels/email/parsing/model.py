"""What the parser child is asked and what it answers: plain frozen structs that travel over the pipe as msgpack."""

from datetime import date, datetime
from enum import StrEnum

import msgspec

# `Parsed` has a field called date, which hides the class of that name.
_Day = date


class Unparseable(Exception):
    """The mail could not be read; its raw bytes are all there is to show.

    `reason` is a stable code. `died` says that the child was lost to this mail or had to be ended: worth a few more
    tries, because the machine may have been to blame; every other reason would come back the same.
    """

    def __init__(self, reason: str, *, died: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.died = died


class Kind(StrEnum):
    """Who seems to have written the mail; everything but HUMAN gets no acknowledgement and stops no clock."""

    HUMAN = "human"
    AUTOMATIC = "automatic"
    LIST = "list"
    OUT_OF_OFFICE = "out_of_office"
    BOUNCE = "bounce"
    OWN = "own"


class Address(msgspec.Struct, frozen=True):
    """One mailbox: `address` is where mail goes, `canonical` is what is compared, `name` is display text only."""

    name: str
    address: str
    canonical: str


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """One file that came with the mail; name and type are the sender's words and prove nothing."""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""
    inline: bool = False

    @property
    def size(self) -> int:
        """Bytes after transfer decoding."""
        return len(self.content)


class Bounce(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that failed or waits. It counts only when `original_message_id` or the return path proves to be ours.

    `status` is the enhanced code of RFC 3463 ("5.1.1"), empty when none was given. `hard` means class 5: trying again
    is of no use.
    """

    status: str
    hard: bool
    recipient: str
    reason: str
    action: str = "failed"
    original_message_id: str = ""


class DkimSignature(msgspec.Struct, frozen=True):
    """One DKIM-Signature header. `key_name` is the DNS name whose TXT record the verdict needs."""

    domain: str
    key_name: str
    verdict: str


class Authentication(msgspec.Struct, frozen=True, kw_only=True):
    """Who vouches for the sender: each result is "pass", "fail", "none" (no claim) or "unknown" (nothing usable)."""

    dkim: str = "unknown"
    spf: str = "unknown"
    dmarc: str = "unknown"
    domain: str = ""
    source: str = ""
    signatures: tuple[DkimSignature, ...] = ()


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """One mail, read. Times are aware UTC, every text is free of control characters, and nothing in it is proved.

    `sender` is None exactly when `quarantine` names a reason. `visible_text` is `text` without quote, signature and
    device line; `html` is as sent and never to be shown, `html_safe` is clean. `errors` are codes of what was wrong.
    """

    sender: Address | None
    quarantine: str
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    delivered_to: tuple[str, ...]
    subject: str
    is_forward: bool
    date: datetime | None
    message_id: str
    message_id_made: bool
    in_reply_to: str
    references: tuple[str, ...]
    thread_index: str
    dedupe_key: str
    text: str
    visible_text: str
    signature: str
    html: str
    html_safe: str
    remote_images: int
    sanitiser_version: int
    attachments: tuple[Attachment, ...]
    kind: Kind
    reasons: tuple[str, ...]
    suppress_ack: bool
    bounce: Bounce | None
    away_until: _Day | None
    language: str
    authentication: Authentication
    uncertain_characters: bool
    errors: tuple[str, ...]

    @property
    def is_sensitive(self) -> bool:
        """Whether it may hold a code or link that opens an account of the shop's: for its people's eyes alone."""
        return "sign_in_service" in self.reasons


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One mail to read, and the little the reader must know of the channel it came by.

    `dkim_keys` maps a DNS name to its TXT record, looked up by the caller: the child itself never touches the network.
    """

    raw: bytes
    own_addresses: tuple[str, ...] = ()
    authserv_ids: tuple[str, ...] = ()
    dkim_keys: dict[str, str] = {}
    probe_limits: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Either the mail or the reason why not. After `leaving` the child ends: its memory can no longer be trusted."""

    parsed: Parsed | None = None
    refused: str = ""
    leaving: bool = False
    limits: dict[str, int] = {}


class Findings:
    """What went wrong while one mail was read, gathered from all its readers; order of discovery, each once."""

    __slots__ = ("_codes", "uncertain")

    def __init__(self) -> None:
        self._codes: dict[str, None] = {}
        self.uncertain = False

    def note(self, code: str) -> None:
        """Remember a stable code such as "too_many_parts"."""
        self._codes[code] = None

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code noted so far."""
        return tuple(self._codes)
