"""From HTML to lines of text, keeping what its structure says about quotes and signatures.

Not a sanitiser: what comes out is text. It looks at each character a bounded number of times, whatever the markup.
"""

import re
from collections import Counter
from enum import IntEnum
from html import unescape
from typing import NamedTuple

# Beyond any real letter; what follows is read as one paragraph.
MOST_TAGS = 60_000


class Role(IntEnum):
    """What a line is: the sender's own words, or a part that may be folded."""

    OWN = 0
    ATTRIBUTION = 1
    QUOTE = 2
    REST = 3
    SIGNATURE = 4


class Line(NamedTuple):
    """One line of text; quoted lines start with ">"."""

    text: str
    role: Role = Role.OWN


_HIDDEN = re.compile(r"<!--|<(style|script|title|template|xml)(?=[\s/>])", re.IGNORECASE)
_HIDDEN_ENDS = {
    name: re.compile(f"</{name}[^>]*+>?" if name else "-->", re.IGNORECASE)
    for name in ("", "style", "script", "title", "template", "xml")
}
# A tag: its name, then its attributes; quotes may hold ">", and where quotes do not match the first ">" ends the tag.
_TAG = re.compile(
    r"<(/?[a-zA-Z][^\s<>/\"']*+|[!?])((?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+|[^<>]*+)>",
)
_SPACES = re.compile(r"[ \t\n\r\f\u00a0]+")
_CELLS = frozenset({"td", "th"})
_CONTAINERS = frozenset({"blockquote", "div", "pre", "section", "table"})
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "dl"})
_OTHERS = frozenset({"br", "tr", "li", "hr", "article", "header", "footer", "center", "address", "dt", "dd"})
_BLOCKS = _CELLS | _CONTAINERS | _PARAGRAPHS | _OTHERS
_MARKS = (
    "cite",
    "quote",
    "signature",
    "gmail_",
    "divrplyfwdmsg",
    "appendonsend",
    "reply-intro",
    "reference-message",
    "zmail_extra",
)
_ATTRIBUTE = re.compile(r"\b(class|id|type|name)\s*=\s*[\"']?([^\"'>]*)")

# Class, id or type as mail programs write them: Gmail, Outlook, Thunderbird, Apple Mail, Yahoo, Proton, Zoho, others.
_ROLES = {
    "gmail_attr": Role.ATTRIBUTION,
    "moz-cite-prefix": Role.ATTRIBUTION,
    "reply-intro": Role.ATTRIBUTION,
    "cite": Role.QUOTE,
    "yahoo_quoted": Role.QUOTE,
    "protonmail_quote": Role.QUOTE,
    "tutanota_quote": Role.QUOTE,
    "zmail_extra": Role.QUOTE,
    "divrplyfwdmsg": Role.REST,
    "appendonsend": Role.REST,
    "mail-editor-reference-message-container": Role.REST,
    "ms-outlook-mobile-reference-message": Role.REST,
    "gmail_signature": Role.SIGNATURE,
    "moz-signature": Role.SIGNATURE,
    "applemailsignature": Role.SIGNATURE,
    "signature": Role.SIGNATURE,
    "ms-outlook-mobile-signature": Role.SIGNATURE,
    "protonmail_signature_block": Role.SIGNATURE,
}


def marks_quotes(html: str) -> bool:
    """Whether the markup may say where a quote or signature is; a quick look that errs on the side of yes."""
    folded = html.lower()  # word by word: a pattern of all of them takes ten times as long
    return any(mark in folded for mark in _MARKS)


def lines(html: str) -> list[Line]:
    """The visible text of an HTML mail, line by line."""
    pieces = _TAG.split(_without_hidden(html), MOST_TAGS)
    if len(pieces) > 3 * MOST_TAGS:
        pieces[-1] = _TAG.sub("", pieces[-1])
    writer = _Writer()
    writer.write(pieces[0])
    for at in range(1, len(pieces), 3):
        name = pieces[at].lower()
        if name in _BLOCKS:
            writer.open(name, pieces[at + 1])
        elif name[:1] == "/" and name[1:] in _BLOCKS:
            writer.close(name[1:])
        if pieces[at + 2]:
            writer.write(pieces[at + 2])
    return writer.finished()


def _without_hidden(html: str) -> str:
    """Drop comments, styles and scripts; one that never ends swallows the rest, as in a browser."""
    match = _HIDDEN.search(html)
    if match is None:
        return html
    kept: list[str] = []
    at = 0
    while match is not None:
        kept.append(html[at : match.start()])
        name = (match[1] or "").lower()
        # "<!-->" is a whole comment: its end may begin inside its beginning.
        end = _HIDDEN_ENDS[name].search(html, match.end() if name else match.end() - 2)
        if end is None:
            return "".join(kept)
        at = end.end()
        match = _HIDDEN.search(html, at)
    kept.append(html[at:])
    return "".join(kept)


class _Writer:
    """Collects text until a block begins or ends, and then writes it as a line of the role its surroundings give it."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._waiting: list[str] = []
        self._open: list[tuple[str, Role]] = []
        self._counts: Counter[str] = Counter()
        self._roles = [0] * len(Role)
        self._in_rest = False
        self._tight = False

    def write(self, text: str) -> None:
        """Add text as it stands between two tags."""
        if not self._counts["pre"]:
            self._waiting.append(text)
            return
        first, *others = text.split("\n")
        self._waiting.append(first)
        for line in others:
            self._end_line()
            self._waiting.append(line)

    def open(self, tag: str, attributes: str) -> None:
        """Begin a block, or a new line for the tags that have no end."""
        if tag == "p":
            # Word's paragraphs have no margin: a blank line there is an empty paragraph of its own.
            self._tight = "MsoNormal" in attributes
        self._flush(tag)
        self._space(tag)
        if tag == "li":
            self._waiting.append("- ")
        elif tag in _CONTAINERS:
            role = _role(tag, attributes) if attributes and marks_quotes(attributes) else Role.OWN
            self._in_rest = self._in_rest or role is Role.REST
            self._open.append((tag, role))
            self._counts[tag] += 1
            self._roles[role] += 1

    def close(self, tag: str) -> None:
        """End a block and whatever was left open inside it."""
        if tag == "p" and self._tight:
            self._end_line()
        self._flush(tag)
        while self._counts[tag]:
            inner, role = self._open.pop()
            self._counts[inner] -= 1
            self._roles[role] -= 1
            if inner == tag:
                break
        self._space(tag)

    def finished(self) -> list[Line]:
        """The lines, without blank ones at either end."""
        self._end_line()
        while self._lines and not self._lines[-1].text.strip("> "):
            self._lines.pop()
        first = next((at for at, line in enumerate(self._lines) if line.text.strip("> ")), 0)
        return self._lines[first:]

    def _flush(self, tag: str) -> None:
        if tag in _CELLS:
            if self._waiting:
                self._waiting.append(" ")
        elif tag == "br":
            self._end_line()
        elif self._waiting and (text := self._text()):
            self._add(text)

    def _space(self, tag: str) -> None:
        """A blank line around what has a margin, unless there is one already."""
        if tag in _PARAGRAPHS and not (tag == "p" and self._tight) and self._lines and self._lines[-1].text.strip("> "):
            self._add("")

    def _end_line(self) -> None:
        text = self._text()
        if text or not self._lines or self._lines[-1].text.strip("> "):
            self._add(text)

    def _text(self) -> str:
        text = "".join(self._waiting)
        self._waiting.clear()
        if "&" in text:
            text = unescape(text)
        if self._counts["pre"]:
            return text.replace("\xa0", " ").rstrip()
        return _SPACES.sub(" ", text).strip()

    def _add(self, text: str) -> None:
        depth = min(self._roles[Role.QUOTE], 9)
        self._lines.append(Line(f"{'>' * depth} {text}".rstrip() if depth else text, self._role_now()))

    def _role_now(self) -> Role:
        if self._in_rest:
            return Role.REST
        if self._roles[Role.OWN] == len(self._open):
            return Role.OWN
        return next((role for role in (Role.QUOTE, Role.SIGNATURE, Role.ATTRIBUTION) if self._roles[role]), Role.OWN)


def _role(tag: str, attributes: str) -> Role:
    for name, value in _ATTRIBUTE.findall(attributes.lower()):
        for word in value.split():
            if word == "gmail_quote":
                # The same class names the container, in which people also answer, and the quote itself.
                if tag == "blockquote":
                    return Role.QUOTE
            elif (word == "cite" and name != "type") or (word == "signature" and name != "id"):
                # Only type="cite" and id="Signature" are a mail program's; as class names these are anybody's.
                continue
            elif role := _ROLES.get(word):
                return role
    return Role.OWN
