"""Who a mail is from: exactly one plain address, or a reason to quarantine it (security.md section 7).

The standard library's `parseaddr` reads "victim@shop.com,evil@x.com" as the victim. This reader is strict instead,
takes linear time, and never decodes anything inside an address.
"""

import re
import unicodedata
from typing import NamedTuple

from tiski.channels.email.parsing import charset, limits, words
from tiski.channels.email.parsing.model import Address, Findings

_TOKEN = re.compile(r'[^"(<,;:>)]+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_PLAIN_LOCAL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+)*"
)
_PLAIN_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_LOOKS_LIKE_ADDRESS = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+\.[^\s@<>\"'(),;:]+")
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]+")


class Sender(NamedTuple):
    """The one address a mail is from, or the reason there is none."""

    address: Address | None
    quarantine: str


class _Mailbox:
    """What stood between two commas."""

    __slots__ = ("angle", "broken", "comments", "phrase", "quoted")

    def __init__(self) -> None:
        self.phrase: list[str] = []
        self.quoted: set[int] = set()
        self.comments: list[str] = []
        self.angle: str | None = None
        self.broken = False

    @property
    def empty(self) -> bool:
        return self.angle is None and not self.broken and not self.comments and not "".join(self.phrase).strip()

    @property
    def bare(self) -> str:
        """What stands there without quotes, brackets or parentheses."""
        return "".join(text for at, text in enumerate(self.phrase) if at not in self.quoted).strip()


class _Listing(NamedTuple):
    mailboxes: list[_Mailbox]
    has_group: bool
    defect: str


def sender(values: list[bytes], findings: Findings) -> Sender:
    """Read the From fields of one mail; more than one field, more than one address or any defect is a quarantine."""
    if not values:
        return Sender(None, "from_missing")
    if len(values) > 1:
        return Sender(None, "from_repeated")
    listing = _listing(words.raw_text(values[0], findings), most=2)
    if listing.defect or listing.has_group:
        return Sender(None, listing.defect or "from_is_a_group")
    if not listing.mailboxes:
        return Sender(None, "from_missing")
    if len(listing.mailboxes) > 1:
        return Sender(None, "from_several_addresses")
    address = _address(listing.mailboxes[0], findings)
    return Sender(address, "") if address else Sender(None, _why_not(listing.mailboxes[0]))


def recipients(values: list[bytes], findings: Findings, *, most: int = limits.ADDRESSES) -> tuple[Address, ...]:
    """The plain addresses of To, Cc or Reply-To; what cannot be read is left out, what exceeds the cap is noted."""
    found: list[Address] = []
    for value in values:
        listing = _listing(words.raw_text(value, findings), most=most - len(found) + 1)
        for mailbox in listing.mailboxes:
            if len(found) == most:
                findings.note("too_many_addresses")
                return tuple(found)
            if address := _address(mailbox, findings):
                found.append(address)
    return tuple(found)


def canonical(address: str) -> str | None:
    """The form addresses are compared in: NFC, domain in IDNA and lower case, ASCII letters before it in lower case.

    Dots and plus parts stay, and so do look-alike letters: `mıke@` and `mike@` are different people. None when the text
    is no plain address.
    """
    local, at, domain = unicodedata.normalize("NFC", address.strip()).rpartition("@")
    if not at or not _PLAIN_LOCAL.fullmatch(local) or len(local.encode("utf-8", "replace")) > 64:
        return None
    if not local.isascii() and any(unicodedata.category(letter)[0] in "CZ" or letter == "\ufffd" for letter in local):
        return None
    ascii_domain = _ascii_domain(domain)
    if ascii_domain is None or len(local) + 1 + len(ascii_domain) > 254:
        return None
    return f"{''.join(letter.lower() if letter.isascii() else letter for letter in local)}@{ascii_domain}"


def _ascii_domain(domain: str) -> str | None:
    if domain.isascii():
        domain = domain.lower()
        return domain if _PLAIN_DOMAIN.fullmatch(domain) and len(domain) <= 253 else None
    # Imported late: its tables are large and few mails need them.
    import idna

    try:
        return idna.encode(domain.lower()).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None


def _listing(text: str, *, most: int) -> _Listing:
    """Cut a field into at most `most` mailboxes; every character is looked at once."""
    mailboxes: list[_Mailbox] = []
    mailbox, has_group, at = _Mailbox(), False, 0
    while at < len(text):
        character = text[at]
        if character in ",;":
            has_group = has_group or character == ";"
            if not mailbox.empty:
                mailboxes.append(mailbox)
            if len(mailboxes) >= most:
                return _Listing(mailboxes, has_group, "")
            mailbox, at = _Mailbox(), at + 1
        elif character == ":":
            has_group, mailbox, at = True, _Mailbox(), at + 1
        else:
            at = _take(text, at, mailbox)
            if at < 0:
                return _Listing(mailboxes, has_group, "from_malformed")
    if not mailbox.empty:
        mailboxes.append(mailbox)
    return _Listing(mailboxes, has_group, "")


def _take(text: str, at: int, mailbox: _Mailbox) -> int:
    """Add the token at this place to the mailbox and return where the next begins; -1 when it never ends."""
    character = text[at]
    if character == '"':
        quoted = _QUOTED.match(text, at)
        if quoted is None:
            return -1
        mailbox.broken = mailbox.broken or mailbox.angle is not None
        mailbox.quoted.add(len(mailbox.phrase))
        mailbox.phrase.append(_without_escapes(quoted[1]))
        return quoted.end()
    if character == "(":
        end = _comment_end(text, at)
        mailbox.comments.append(text[at + 1 : end - 1])
        return end
    if character == "<":
        end = text.find(">", at)
        mailbox.broken = mailbox.broken or mailbox.angle is not None
        mailbox.angle = text[at + 1 : end]
        return end + 1 if end > 0 else -1
    token = _TOKEN.match(text, at)
    if token is None:
        mailbox.broken = True
        return at + 1
    mailbox.broken = mailbox.broken or (mailbox.angle is not None and not token[0].isspace())
    mailbox.phrase.append(token[0])
    return token.end()


def _comment_end(text: str, at: int) -> int:
    depth = 0
    for position in range(at, len(text)):
        if text[position] == "(" and text[position - 1 : position] != "\\":
            depth += 1
        elif text[position] == ")" and text[position - 1 : position] != "\\":
            depth -= 1
            if not depth:
                return position + 1
    return -1


def _without_escapes(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted) if "\\" in quoted else quoted


def _address(mailbox: _Mailbox, findings: Findings) -> Address | None:
    if mailbox.broken or any(_hides_an_address(comment) for comment in mailbox.comments):
        return None
    if mailbox.angle is None and mailbox.quoted:
        return None
    written = (mailbox.bare if mailbox.angle is None else mailbox.angle).strip()
    if "=?" in written or (compared := canonical(written)) is None:
        return None
    if mailbox.angle is None:
        return Address(_name(" ".join(mailbox.comments), compared, findings), written, compared)
    # Bare text with an address is a second sender, unless it merely repeats the first; a name in quotes is a name.
    if "@" in mailbox.bare and canonical(mailbox.bare) != compared:
        return None
    return Address(_name("".join(mailbox.phrase), compared, findings), written, compared)


def _hides_an_address(comment: str) -> bool:
    return any(sign in comment for sign in "<>@")


def _name(written: str, compared: str, findings: Findings) -> str:
    """The display name, without what could pass for somebody else's address."""
    name = words.decode_words(written, findings)
    name = " ".join(_INVISIBLE.sub(" ", charset.clean(name)).split())[: limits.NAME_CHARACTERS].strip("'\" ")
    imitated = _LOOKS_LIKE_ADDRESS.search(name) if "@" in name else None
    if imitated is None:
        return name
    if canonical(imitated[0]) != compared:
        findings.note("name_imitates_an_address")
    return ""


def _why_not(mailbox: _Mailbox) -> str:
    written = mailbox.angle if mailbox.angle is not None else mailbox.bare
    if "=?" in written:
        return "from_encoded_address"
    if "@" in mailbox.bare and mailbox.angle is not None:
        return "from_several_addresses"
    return "from_malformed"
