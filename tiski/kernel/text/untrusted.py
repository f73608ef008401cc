"""HTML from strangers: capped, then cleaned by nh3 with our own lists of tags, attributes and schemes."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import nh3
from markupsafe import Markup

from . import allowed
from .plain import text_to_html

SANITISER_VERSION = 1
"""Raised whenever the lists below become stricter: what an older version cleaned is cleaned again when it is shown."""

LONGEST = 2_000_000
MOST_TAGS = 10_000
MOST_SEPARATORS = 4_000

# These two do nothing once their attributes are gone, and make up most of the markup of office mail.
_EMPTY_WRAPPERS = re.compile(r"</?(?:font|span)(?=[\s/>])[^<>]*>", re.IGNORECASE)
# An HTML parser opens unclosed formatting again in every later block; identical ones at most three times. Without their
# attributes they are identical, and 50 KB cannot become 1 GB.
_FORMATTING = re.compile(r"<(b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/])[^<>]*>?", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}")
_TAG = re.compile(r"<[a-zA-Z]")
_PIECE = re.compile(r"<[^<>]*>|[^<]+|<")
_TAG_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")

Images = Callable[[str], str | None]
"""Given the address of an image (`cid:…` or http), gives the address to show instead, or None for none."""


@dataclass(frozen=True, slots=True)
class CleanHtml:
    """HTML that may be put into a page, with the number of images that would have been fetched from elsewhere.

    `simplified` says that the original was too large or too deeply nested and only its text is left.
    """

    html: Markup
    remote_images: int = 0
    simplified: bool = False


def render_untrusted_html(html: str, *, images: Images | None = None) -> CleanHtml:
    """Clean HTML from anyone. Without `images` no image has an address; opening it makes no request anywhere."""
    if len(html) > LONGEST:
        return _text_alone(html)
    html = _FORMATTING.sub(r"<\1>", _EMPTY_WRAPPERS.sub("", html))
    if _is_too_complex(html):
        return _text_alone(html)
    keeper = _Attributes(images)
    cleaned = nh3.clean(
        html,
        tags=set(allowed.TAGS),
        clean_content_tags=set(allowed.REMOVED_WITH_CONTENT),
        attributes=allowed.ATTRIBUTES,
        attribute_filter=keeper,
        strip_comments=True,
        link_rel="noopener noreferrer nofollow ugc",
        generic_attribute_prefixes=set(),
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes=set(allowed.SCHEMES),
    )
    return CleanHtml(Markup(cleaned), keeper.remote)  # noqa: S704  this is the one place


def keep_inline_images(source: str) -> str | None:
    """For HTML that is stored before its files have addresses: leaves `cid:` as it is, for `shown_again`."""
    return source if source.lower().startswith("cid:") else None


def shown_again(stored: str, *, version: int, images: Images | None = None) -> Markup:
    """Stored clean HTML, ready for the page: inline images get their addresses, older versions are cleaned again."""
    if version == SANITISER_VERSION and "cid:" not in stored.lower():
        return Markup(stored)  # noqa: S704  cleaned by this very version
    return render_untrusted_html(stored, images=images).html


class _Attributes:
    """Keeps or changes one attribute at a time. Never raises: nh3 would keep the value it was asked about."""

    def __init__(self, images: Images | None) -> None:
        self.images = images
        self.remote = 0

    def __call__(self, tag: str, name: str, value: str) -> str | None:
        if tag == "a" and name == "href":
            return value.strip() if value.strip().lower().startswith(allowed.LINK_SCHEMES) else None
        if tag == "img" and name == "src":
            return self._image(value.strip())
        if name in allowed.NUMBERS:
            return value if value.isascii() and value.isdigit() and len(value) <= 4 else None
        if name == "dir":
            return value if value in allowed.DIRECTIONS else None
        if name == "lang":
            return value if _LANGUAGE.fullmatch(value) else None
        return value

    def _image(self, source: str) -> str | None:
        inline = source.lower().startswith("cid:")
        if not inline:
            self.remote += 1
        if self.images is None:
            return None
        try:
            return self.images(source)
        except Exception:  # noqa: BLE001  an image is never worth the message
            return None


def _is_too_complex(html: str) -> bool:
    """Would parsing cost more than its share? Nesting and attributes of one tag are quadratic in every HTML parser.

    Depth is at most the number of tags. Attributes are counted by what separates them, in each stretch between two `<`
    up to its last `>`, which also covers addresses of tags hidden in quotes.
    """
    if len(_TAG.findall(html)) > MOST_TAGS:
        return True
    for stretch in html.split("<")[1:]:
        if len(stretch) <= MOST_SEPARATORS:
            continue
        inside = stretch[: stretch.rfind(">")] if ">" in stretch else stretch
        if sum(inside.count(separator) for separator in " \t\n\r\f/\"'=") > MOST_SEPARATORS:
            return True
    return False


def _text_alone(html: str) -> CleanHtml:
    text = entities.unescape("".join(_text_pieces(html[: 2 * LONGEST])))
    return CleanHtml(text_to_html(re.sub(r"\n\s*\n+", "\n\n", text).strip()), simplified=True)


def _text_pieces(html: str) -> Iterator[str]:
    skipping = ""
    for piece in _PIECE.findall(html):
        match = _TAG_NAME.match(piece)
        name = match[1].lower() if match else ""
        if skipping:
            skipping = "" if name == skipping and piece.startswith("</") else skipping
        elif name in allowed.REMOVED_WITH_CONTENT and not piece.startswith("</"):
            skipping = name
        elif name:
            yield "\n" if name in allowed.BREAKING else ""
        else:
            yield piece
