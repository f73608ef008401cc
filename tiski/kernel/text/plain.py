"""Plain text: shown with its line breaks and links, shortened, and cleaned for one line."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from markupsafe import Markup, escape

REL = "noopener noreferrer nofollow ugc"
LONGEST_LINKED = 100_000
LONGEST_NAME = 255

# Bounded and without overlapping repetitions, so that the time grows with the length alone.
_LINK = re.compile(
    r"(?P<url>\bhttps?://[^\s<>\"'`\x00-\x20\x7f]{1,2000})"
    r"|(?P<mailto>\bmailto:(?=[^\s<>\"]{3,320}))?(?<![\w.%+@/-])(?P<email>[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})\b"
    r"|(?<![\w+])(?P<tel>(?:tel:)?\+[1-9][0-9 ()\u00a0-]{6,18}[0-9])(?![\w-])",
    re.IGNORECASE,
)
_TRAILING = ".,:;!?…'\"*_~»”’"
_PAIRS = {")": "(", "]": "[", "}": "{"}
_SPACES = re.compile(r"\s+")
_SLASHES = str.maketrans(dict.fromkeys('/\\∕⁄／＼⧸⧵<>:"|?*', "_"))
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)


def text_to_html(text: str) -> Markup:
    """Escaped text with line breaks, and with links for web, mail and telephone addresses that say where they lead."""
    text = _without_controls(text)
    if not ("@" in text or "+" in text or "://" in text):  # what each kind of link has, and most messages have not
        return Markup(str(escape(text)).replace("\n", "<br>"))  # noqa: S704  escaped
    linked, rest = text[:LONGEST_LINKED], text[LONGEST_LINKED:]
    pieces: list[str] = []
    end = 0
    for match in _LINK.finditer(linked):
        pieces.append(str(escape(linked[end : match.start()])))
        pieces.append(_link(match))
        end = match.end()
    pieces.append(str(escape(linked[end:] + rest)))
    return Markup("".join(pieces).replace("\n", "<br>"))  # noqa: S704  every piece was escaped above


def snippet(text: str, length: int = 120) -> str:
    """The beginning of a text on one line, cut between words, with an ellipsis when something is left out."""
    line = clean_line(text[: length * 20], longest=length * 20)
    if len(line) <= length:
        return line
    cut = line[:length].rstrip()
    space = cut.rfind(" ")
    return f"{cut[:space] if space > length // 2 else cut}…"


def clean_line(text: str, *, longest: int = LONGEST_NAME) -> str:
    """One line for a name, a subject or a header: no line breaks, no invisible or direction-changing characters."""
    if not text.isprintable():  # nearly every line is, and needs no look at each character
        text = "".join(" " if _breaks(character) else character for character in text if not _is_invisible(character))
    return _SPACES.sub(" ", text).strip()[:longest].rstrip()


def clean_name(name: str, *, longest: int = LONGEST_NAME) -> str:
    """A file's name as people may see and save it; never a path, never hidden, never a device. Keeps the ending."""
    visible = "".join(
        character for character in name if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Cn"}
    )
    line = _SPACES.sub(" ", visible.translate(_SLASHES)).strip(" .")
    if _RESERVED.fullmatch(line):
        line = f"_{line}"
    if len(line) > longest:
        stem, dot, ending = line.rpartition(".")
        keep = f"{dot}{ending}" if dot and len(ending) <= 10 else ""
        line = (stem if keep else line)[: longest - len(keep)].rstrip(" .") + keep
    return line or "file"


def _link(match: re.Match[str]) -> str:
    if match["url"]:
        return _web_link(match["url"])
    if match["email"]:
        return _anchor(f"mailto:{match['email']}", match[0])
    digits = re.sub(r"[^0-9+]", "", match["tel"])
    return _anchor(f"tel:{digits}", match[0])


def _web_link(found: str) -> str:
    """A link named by its own address, with the plain host behind it when the name could be mistaken for another."""
    url = _without_trailing(found)
    rest = str(escape(found[len(url) :]))
    try:
        host = urlsplit(url).hostname or ""
        ascii_host = host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return str(escape(found))
    if not host or "@" in urlsplit(url).netloc or "\\" in url:
        return str(escape(found))
    warning = "" if ascii_host == host else f' <span class="link-host">({escape(ascii_host)})</span>'
    return f"{_anchor(url, url, title=ascii_host)}{warning}{rest}"


def _anchor(href: str, label: str, *, title: str = "") -> str:
    shown = f' title="{escape(title)}"' if title else ""
    blank = ' target="_blank"' if href.lower().startswith("http") else ""
    return f'<a href="{escape(href)}" rel="{REL}"{blank}{shown}>{escape(label)}</a>'


def _without_trailing(url: str) -> str:
    """Punctuation that ends the sentence, and a bracket that was opened before the address, are not part of it."""
    while url:
        last = url[-1]
        if last in _TRAILING or (last in _PAIRS and url.count(last) > url.count(_PAIRS[last])):
            url = url[:-1]
        else:
            break
    return url


def _without_controls(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.replace("\n", "").isprintable():  # nearly every text, and no look at each character
        return text
    return "".join(character for character in text if character in "\n\t" or not _is_invisible(character))


def _is_invisible(character: str) -> bool:
    """Control and format characters that hide or reorder text; the joiners that emoji and scripts need stay."""
    if character in "\u200c\u200d" or _breaks(character):
        return False
    return unicodedata.category(character) in {"Cc", "Cf", "Cs"} and not "\U000e0020" <= character <= "\U000e007f"


def _breaks(character: str) -> bool:
    return character in "\n\r\t\v\f\x85\u2028\u2029"
