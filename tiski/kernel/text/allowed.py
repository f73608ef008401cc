"""What may remain of a stranger's HTML. Everything not named here goes."""

from __future__ import annotations

_PHRASES = {
    "a",
    "abbr",
    "b",
    "bdi",
    "bdo",
    "br",
    "center",
    "cite",
    "code",
    "del",
    "dfn",
    "em",
    "i",
    "ins",
    "kbd",
    "mark",
}
_MORE_PHRASES = {"q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"}
_BLOCKS = {"address", "blockquote", "details", "div", "figcaption", "figure", "hr", "img", "p", "pre", "summary"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_LISTS = {"dd", "dl", "dt", "li", "ol", "ul"}
_TABLES = {"caption", "col", "colgroup", "table", "tbody", "td", "tfoot", "th", "thead", "tr"}
TAGS = frozenset(_PHRASES | _MORE_PHRASES | _BLOCKS | _HEADINGS | _LISTS | _TABLES)

# "*" must be named: without it nh3 adds a list of its own. No id, name, class, style, form or data-*: htmx, anchors and
# style sheets of the page must find nothing to act on.
ATTRIBUTES = {
    "*": {"dir", "lang"},
    "a": {"href"},
    "col": {"span"},
    "colgroup": {"span"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
NUMBERS = frozenset({"colspan", "height", "rowspan", "span", "start", "width"})
DIRECTIONS = frozenset({"auto", "ltr", "rtl"})

_EMBEDDED = {"applet", "audio", "canvas", "embed", "iframe", "math", "noembed", "object", "svg", "template", "video"}
_NOT_CONTENT = {"frame", "frameset", "head", "noframes", "noscript", "plaintext", "script", "style", "title", "xmp"}
_FIELDS = {"select", "textarea"}
REMOVED_WITH_CONTENT = frozenset(_EMBEDDED | _NOT_CONTENT | _FIELDS)

LINK_SCHEMES = ("http:", "https:", "mailto:", "tel:")
# nh3 checks schemes before it asks the filter, which then decides what an image may point to.
SCHEMES = frozenset({"http", "https", "mailto", "tel", "cid"})

BREAKING = frozenset({"blockquote", "br", "div", "li", "ol", "p", "pre", "table", "tr", "ul"}) | _HEADINGS
