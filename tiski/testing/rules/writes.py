"""Who may change rows and files: `actions` write rows, `kernel.blobs` writes files."""

from __future__ import annotations

import ast
import re

from tiski.testing.rules.sources import Source

_ROW_WRITERS = ("*/actions.py", "*/actions/*", "tiski/kernel/*", "tiski/config/startup.py")
_FILE_WRITERS = ("tiski/kernel/blobs*", "tiski/kernel/keyfile.py", "tiski/kernel/backup/*")
_ALWAYS = {
    "bulk_create",
    "bulk_update",
    "get_or_create",
    "update_or_create",
    "abulk_create",
    "abulk_update",
    "asave",
    "acreate",
    "adelete",
    "aupdate",
}
_ON_QUERYSETS = {"create", "update", "delete"}
_QUERYSET = re.compile(r"\.(objects|unscoped|filter|exclude|all|select_for_update|order_by)\b|_set\b")
_CHANGING_SQL = re.compile(
    r"\s*(INSERT INTO|INSERT OR|REPLACE INTO|MERGE INTO|DELETE FROM|TRUNCATE|UPDATE \S+\s+SET)\b"
)
_FILE_FIELDS = {"models.FileField", "models.ImageField", "models.FilePathField"}


def row_writes(source: Source) -> list[str]:
    """Rows changed outside `actions`: by the ORM, or by SQL in a string."""
    if source.within(*_ROW_WRITERS):
        return []
    found = []
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _writes_rows(node, node.func):
            found.append(source.at(node.lineno, f".{node.func.attr}() changes rows; do it in actions.py"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _CHANGING_SQL.match(node.value):
            found.append(source.at(node.lineno, "SQL that changes rows; do it in actions.py"))
    return found


def file_writes(source: Source) -> list[str]:
    """Files opened for writing, and model fields that would write them, outside `kernel.blobs`."""
    if source.within(*_FILE_WRITERS):
        return []
    found = []
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.Call) and _writes_a_file(node):
            found.append(source.at(node.lineno, "files are written by kernel.blobs.store"))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in _FILE_FIELDS:
            found.append(source.at(node.lineno, "a row names a blob; kernel.blobs.store writes it"))
    return found


def _writes_rows(call: ast.Call, function: ast.Attribute) -> bool:
    name, receiver = function.attr, ast.unparse(function.value)
    if name in _ALWAYS:
        return True
    if name == "save":
        # A picture is saved to a place, a row is not.
        return not call.args
    if name == "delete" and not call.args and not call.keywords:
        return receiver.rpartition(".")[2] not in {"session", "cache"}
    return name in _ON_QUERYSETS and bool(_QUERYSET.search(f".{receiver}"))


def _writes_a_file(call: ast.Call) -> bool:
    name = _last(call.func)
    if name in {"write_text", "write_bytes", "touch", "symlink_to", "hardlink_to", "mkdtemp", "NamedTemporaryFile"}:
        return isinstance(call.func, ast.Attribute)
    if name != "open":
        return False  # os.fdopen opens no path
    modes = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    texts = [mode.value for mode in modes if isinstance(mode, ast.Constant) and isinstance(mode.value, str)]
    return any(re.fullmatch(r"[rwaxbt+]{1,4}", text) and set(text) & set("wax+") for text in texts)


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
