"""The sender's new words, apart from quote, signature and device line (channels.md 3.5).

The original is always kept; this only decides what is folded, so in doubt everything stays visible. Each rule looks at
single lines of bounded length, which keeps the work linear on hostile input.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tiski.channels.email.parsing import phrases
from tiski.channels.email.parsing.html_text import Line, Role

MOST_LINES = 5000
MOST_CHARACTERS = 256 * 1024
LONGEST_LINE = 400
LONGEST_DEVICE_LINE = 120
CLOSING_LINES = 8
_FOLDED = frozenset({Role.ATTRIBUTION, Role.QUOTE, Role.REST})


class Split(NamedTuple):
    """What is shown at once, and the signature that was folded away."""

    visible: str
    signature: str


class _Unsigned(NamedTuple):
    lines: list[str]
    signature: list[str]


def lines_of(text: str) -> list[Line]:
    """The lines of a plain text; what nobody will look at stays in one piece."""
    return [Line(line) for line in text.split("\n", MOST_LINES)]


def split(lines: Sequence[Line], *, is_forward: bool = False) -> Split:
    """Find the new words among the lines of a mail."""
    lines = [_prepared(line) for line in lines]
    whole = "\n".join(line.text for line in lines).strip()
    examined = _examined(lines)
    roles = _roles(examined)
    first = next((at for at, role in enumerate(roles) if role in _FOLDED), len(roles))
    if is_forward or _forwards(examined, roles, first):
        return Split(whole, "")

    own, signed = _own_words(examined, roles, first)
    if own is None:
        return Split(whole, "")
    if first == len(roles):
        own += [line.text for line in lines[len(examined) :]]
    visible = "\n".join(own).strip()
    return Split(visible, "\n".join(signed).strip()) if visible else Split(whole, "")


def _prepared(line: Line) -> Line:
    return Line(line.text, Role.QUOTE) if line.role is Role.OWN and line.text.lstrip().startswith(">") else line


def _examined(lines: Sequence[Line]) -> list[Line]:
    left = MOST_CHARACTERS
    for at, line in enumerate(lines[:MOST_LINES]):
        left -= len(line.text)
        if left < 0:
            return list(lines[:at])
    return list(lines[:MOST_LINES])


def _forwards(lines: Sequence[Line], roles: Sequence[Role], first: int) -> bool:
    """Whether the first mail below is a forwarded one: then that mail is what the sender wants to show."""
    begins = [at for at in range(first, len(lines)) if lines[at].text.strip("> ")][:2]
    own = (at for at in range(first) if roles[at] is Role.OWN)
    return any(phrases.FORWARD.search(_matched(lines[at])) for at in (*own, *begins))


def _matched(line: Line) -> str:
    """The line as the rules see it: without quote signs and emphasis."""
    return _plain(line.text).lstrip("> ").replace("*", "").strip()


def _plain(text: str) -> str:
    """Text to match against phrases: common spaces, none around it; a very long line matches nothing."""
    return "" if len(text) > LONGEST_LINE else text.replace("\xa0", " ").strip()


def _roles(lines: Sequence[Line]) -> list[Role]:
    """The role of every line, once the marks people's mail programs write in words are read as well."""
    roles = [line.role for line in lines]
    at = 0
    while at < len(lines) and roles[at] is not Role.REST:
        if roles[at] is not Role.OWN:
            at += 1
        elif length := _attribution(lines, roles, at):
            roles[at : at + length] = [Role.ATTRIBUTION] * length
            at += length
        elif _separates(lines, at):
            roles[at:] = [Role.REST] * (len(lines) - at)
        else:
            at += 1
    return _with_unmarked_quotes(lines, roles)


def _with_unmarked_quotes(lines: Sequence[Line], roles: list[Role]) -> list[Role]:
    """An attribution that no ">" follows, at once or ever, introduces everything below it."""
    for at, role in enumerate(roles):
        if role is Role.ATTRIBUTION:
            following = next((later for later in range(at + 1, len(roles)) if lines[later].text.strip()), len(roles))
            if following < len(roles) and roles[following] in {Role.QUOTE, Role.ATTRIBUTION, Role.REST}:
                continue
            if Role.QUOTE not in roles[at:]:
                return roles[:at] + [Role.REST] * (len(roles) - at)
    return roles


def _attribution(lines: Sequence[Line], roles: Sequence[Role], at: int) -> int:
    """How many lines from here are "on that day, so-and-so wrote:"; programs wrap it onto a second and third."""
    text = _matched(lines[at])
    if not text or (not text.endswith(":") and not phrases.STARTS_ATTRIBUTION.match(text)):
        return 0
    for length in range(1, 4):
        if text.endswith(":"):
            return length if _attributes(text, _quoted_below(lines, roles, at + length)) else 0
        if at + length >= len(lines) or roles[at + length] is not Role.OWN:
            return 0
        text = f"{text} {_matched(lines[at + length])}"
    return 0


def _attributes(text: str, quote_follows: bool) -> bool:
    verb = phrases.WROTE.search(text)
    if verb is None or len(text) > LONGEST_LINE:
        return False
    if quote_follows or "@" in text:
        return True
    # Without an address the rest must be a date: "Pe 12.3. kuljettaja kirjoitti lappuun:" is the sender's own sentence.
    before, after = text[: verb.start()], text[verb.end() :].strip(": ")
    if phrases.SENTENCE_ENDS.search(before):
        return False
    if after and phrases.ONLY_DATE.fullmatch(after):
        return True
    return phrases.EVIDENCE.search(before) is not None and (not after or verb[1].lower() == "skrev")


def _quoted_below(lines: Sequence[Line], roles: Sequence[Role], at: int) -> bool:
    for later in range(at, min(at + 3, len(lines))):
        if lines[later].text.strip():
            return roles[later] is Role.QUOTE
    return False


def _separates(lines: Sequence[Line], at: int) -> bool:
    """Whether everything from here on is an older mail: a separator, or the header block programs copy above it."""
    text = _matched(lines[at])
    if not text:
        return False
    if phrases.SEPARATOR.fullmatch(text):
        return True
    first = phrases.LABEL.match(text)
    if first is None:
        return False
    labels = [first[1].lower(), *_labels_below(lines, at + 1)]
    begins_the_mail = not any(line.text.strip() for line in lines[:at])
    if begins_the_mail:
        return len(labels) >= 3
    return len(labels) >= 2 and (len(labels) >= 3 or any(label in phrases.FROM_LABELS for label in labels))


def _labels_below(lines: Sequence[Line], at: int) -> Iterator[str]:
    blank = 0
    for line in lines[at : at + 12]:
        text = _matched(line)
        if not text and not blank:
            blank = 1
            continue
        label = phrases.LABEL.match(text)
        if label is None:
            return
        blank = 0
        yield label[1].lower()


def _own_words(lines: Sequence[Line], roles: Sequence[Role], first: int) -> tuple[list[str] | None, list[str]]:
    """The lines to show with the signature taken from them; None for "show the whole mail"."""
    above = _unsigned([lines[at].text for at in range(first) if roles[at] is Role.OWN])
    marked = [lines[at].text for at, role in enumerate(roles) if role is Role.SIGNATURE]
    below = [at for at in range(first, len(roles)) if roles[at] is Role.OWN]
    after = _unsigned([lines[at].text for at in below])

    if not _says_something(after.lines):
        return (
            (above.lines, above.signature or marked or after.signature) if _says_something(above.lines) else (None, [])
        )
    if _says_something(above.lines) or _resumes(lines, roles, below):
        return None, []
    return after.lines, after.signature or marked


def _resumes(lines: Sequence[Line], roles: Sequence[Role], below: Sequence[int]) -> bool:
    """Whether quoting goes on after an own line: then the answers stand between the questions."""
    own = next((at for at in below if lines[at].text.strip()), len(roles))
    return any(role is Role.QUOTE for role in roles[own:])


def _says_something(lines: Sequence[str]) -> bool:
    return any(line.strip() for line in lines)


def _unsigned(lines: Sequence[str]) -> _Unsigned:
    """Own lines without device lines, confidentiality notice and signature."""
    kept = [line for line in lines if len(line) > LONGEST_DEVICE_LINE or not phrases.DEVICE.fullmatch(_plain(line))]
    for at, line in enumerate(kept):
        if phrases.CONFIDENTIAL.match(_plain(line)) and _says_something(kept[:at]):
            kept = kept[:at]
            break
    for at, line in enumerate(kept):
        if line.rstrip() == "--":
            return _Unsigned(kept[:at], kept[at + 1 :])
    closing = _closing(kept)
    return _Unsigned(kept[:closing], kept[closing:])


def _closing(lines: Sequence[str]) -> int:
    """Where the closing words begin, when little enough follows them; else the end."""
    following = 0
    for at in range(len(lines) - 1, -1, -1):
        if phrases.CLOSING.fullmatch(_plain(lines[at])):
            return at
        following += bool(lines[at].strip())
        if following > CLOSING_LINES:
            break
    return len(lines)
