"""The widget's modules as the shop's page gets them: joined into one file each, without comments and indentation.

Nothing is built: the files under `static/widget` run as they are in any browser. Joining saves the shop's page some
twenty requests and half of the bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import PurePosixPath

from tiski.ui import statics

LOADER, PANEL, STYLE = "loader.js", "panel.js", "panel.css"
FILES = {
    LOADER: "text/javascript; charset=utf-8",
    PANEL: "text/javascript; charset=utf-8",
    STYLE: "text/css; charset=utf-8",
}
"""What a shop's page fetches, with its content type. The loader is a classic script, the panel a module."""

_IMPORT = re.compile(r'^import \{ ([\w, ]+) \} from "(\.{1,2}/[\w./-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|const|class) (\w+))", re.MULTILINE)
_COMMENT = re.compile(r"/\*\*? .*?\*/|/\*\*\n.*?\*/|^\s*//[^\n]*$", re.DOTALL | re.MULTILINE)
_INDENT = re.compile(r"^\s+", re.MULTILINE)


def file(name: str) -> bytes:
    """The content of one of `FILES`."""
    return _file(name, statics.tree_hash())


def address(name: str) -> str:
    """Where one of `FILES` is fetched; it changes with the content, so the answer never does."""
    return f"/w/{statics.tree_hash()}/{name}"


@cache
def _file(name: str, _tree: str) -> bytes:
    path = f"widget/{name}"
    text = _source(path) if name == STYLE else _joined(path)
    if name == LOADER:
        text = f'(() => {{\n"use strict";\n{text}}})();\n'
    return _bare(text).encode()


def _joined(entry: str) -> str:
    """The module and everything it imports, each in a function of its own so that no names meet."""
    order: list[str] = []
    _visit(entry, order)
    handles = {path: f"m{place}" for place, path in enumerate(order)}
    return "".join([*(_enclosed(path, handles) for path in order[:-1]), _with_names(entry, handles)])


def _visit(path: str, order: list[str]) -> None:
    for _names, target in _IMPORT.findall(_source(path)):
        imported = _resolved(path, target)
        if imported not in order:
            _visit(imported, order)
    order.append(path)


def _enclosed(path: str, handles: Mapping[str, str]) -> str:
    text = _with_names(path, handles)
    exported = ", ".join(name for _what, name in _EXPORT.findall(text))
    inside = _EXPORT.sub(r"\1", text)
    return f"const {handles[path]} = (() => {{\n{inside}return {{ {exported} }};\n}})();\n"


def _with_names(path: str, handles: Mapping[str, str]) -> str:
    """The module's text, its imports taken from what has been joined before it."""
    return _IMPORT.sub(lambda found: f"const {{ {found[1]} }} = {handles[_resolved(path, found[2])]};\n", _source(path))


def _source(path: str) -> str:
    return statics.files()[path].read_text(encoding="utf-8")


def _resolved(path: str, target: str) -> str:
    parts: list[str] = list(PurePosixPath(path).parent.parts)
    for part in PurePosixPath(target).parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _bare(text: str) -> str:
    return _INDENT.sub("", _COMMENT.sub("", text)).lstrip()
