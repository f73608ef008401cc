"""What may stand in templates, styles and browser code."""

from __future__ import annotations

import ast
import re

from tiski.testing.rules.sources import Source

_COMMENT = re.compile(r"/\*.*?\*/|\{#.*?#\}|<!--.*?-->", re.DOTALL)
_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_NAMED = (
    "aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet brown burlywood "
    "cadetblue chartreuse chocolate coral cornflowerblue cornsilk crimson cyan darkblue darkcyan darkgray darkgreen "
    "darkgrey darkorange darkred dimgray dimgrey firebrick floralwhite forestgreen fuchsia gainsboro ghostwhite gold "
    "goldenrod gray green greenyellow grey honeydew hotpink indianred indigo ivory khaki lavender lightblue lightgray "
    "lightgreen lightgrey lightyellow lime limegreen linen magenta maroon mintcream mistyrose moccasin navy oldlace "
    "olive orange orangered orchid peru pink plum purple rebeccapurple red rosybrown royalblue salmon sandybrown "
    "seagreen seashell sienna silver skyblue slateblue slategray snow springgreen steelblue tan teal thistle tomato "
    "turquoise violet wheat white whitesmoke yellow yellowgreen"
)
_DECLARING = {"Markup", "mark_safe", "SafeString", "format_html", "format_html_join"}
_DECLARATION = re.compile(r"([\w-]+)\s*:\s*([^;{}]+)[;}]")
_COLOUR = re.compile(
    r"#[0-9a-f]{3,8}\b"
    r"|\b(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color)\((?!from\b)"
    rf"|(?<![\w-])(?:{'|'.join(_NAMED.split())})(?![\w-])",
    re.IGNORECASE,
)
_TEMPLATE_RULES = (
    (r"\shx-on\b|\shx-on:", "hx-on runs a string as code; write a custom element"),
    (r"=\s*[\"']js:|\bjavascript:", "js: runs a string as code; send values from the markup"),
    (r"\sstyle\s*=", "an inline style is refused by the content policy; use a class and a token"),
    (r"<style\b", "styles live in static/, in a layer"),
    (r"<script\b(?![^>]*(?:\bsrc\s*=|type=.application/json))", "scripts live in static/, as modules"),
    (r"\son[a-z]+\s*=", "an inline handler is refused by the content policy; write a custom element"),
)
_UNESCAPED = re.compile(r"\|\s*safe\b|\bautoescape\s+(?:false|off)\b")


def colour_literals(source: Source) -> list[str]:
    """Colours written out where a token belongs.

    Files named `tokens` define them. The widget's one style sheet carries its tokens itself: a second file would be a
    second request on the shop's page.
    """
    if source.path.rpartition("/")[2].startswith("tokens"):
        return []
    text = _blank(source.text, _COMMENT)
    if source.within("tiski/widget/*"):
        text = re.sub(r"--[\w-]+\s*:[^;]*", "", text)
    found = []
    for declaration in _DECLARATION.finditer(text):
        value = re.sub(r"url\([^)]*\)|var\(\s*--[\w-]+", "", declaration[2])
        colour = _COLOUR.search(value)
        if colour:
            line = text.count("\n", 0, declaration.start()) + 1
            found.append(source.at(line, f"{declaration[1]}: {colour[0]} is a colour; name it in tokens and use var()"))
    return found


def unsafe_markup(source: Source) -> list[str]:
    """Code, styles and unescaped text inside a template."""
    text = _blank(source.text, _COMMENT)
    markup = _blank(text, _EXPRESSION)
    found = [
        (match.start(), match[0], remedy)
        for pattern, remedy in _TEMPLATE_RULES
        for match in re.finditer(pattern, markup)
    ]
    found += [
        (match.start(), match[0], "everything is escaped but what kernel.text made")
        for match in _UNESCAPED.finditer(text)
    ]
    return [
        source.at(text.count("\n", 0, start) + 1, f"{what.strip()}: {remedy}") for start, what, remedy in sorted(found)
    ]


def unescaped_text(source: Source) -> list[str]:
    """Python that declares a string to be markup; as a type such names are welcome."""
    if source.within("tiski/kernel/text/*", "tiski/ui/jinja.py"):
        return []
    return [
        source.at(
            node.lineno, f"{ast.unparse(node.func)}: HTML is made by templates, and of untrusted text by kernel.text"
        )
        for node in ast.walk(source.tree())
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _DECLARING
    ]


def unsafe_script(source: Source) -> list[str]:
    """Strings run as code or as markup in browser code."""
    rules = (
        (r"\.(innerHTML|outerHTML)\s*\+?=(?!=)", "draws unchecked markup; build elements"),
        (r"\binsertAdjacentHTML\(|\bdocument\.write\(", "draws unchecked markup; build elements"),
        (r"\beval\(|\bnew Function\(", "runs a string as code"),
    )
    return [
        source.at(source.text.count("\n", 0, match.start()) + 1, f"{match[0].strip()}: {remedy}")
        for pattern, remedy in rules
        for match in re.finditer(pattern, source.text)
    ]


def _blank(text: str, unwanted: re.Pattern[str]) -> str:
    """The text with what is unwanted turned into spaces; everything else stays in its place."""
    return unwanted.sub(lambda found: re.sub(r"\S", " ", found[0]), text)
