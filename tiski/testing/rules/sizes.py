"""How long things may be: a file is read at once, a function is seen at once."""

from __future__ import annotations

import ast

from tiski.testing.rules.sources import Source

LONGEST_FILE = 400
LONGEST_FUNCTION = 40
LONGEST_README = 40
_VAGUE = {"utils", "helpers", "common", "manager", "service", "base", "core", "data", "info", "misc", "util", "helper"}


def long_file(source: Source) -> list[str]:
    """A file over 400 lines; `migrations` are written by a machine and may be."""
    lines = source.text.count("\n")
    if lines <= LONGEST_FILE or source.within("*/migrations/*"):
        return []
    return [source.at(lines, f"{lines} lines; split it by noun at {LONGEST_FILE}")]


def long_functions(source: Source) -> list[str]:
    """Functions over 40 lines, from `def` to the last line."""
    found = []
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                found.append(
                    source.at(node.lineno, f"{node.name} has {lines} lines; tell it in parts of {LONGEST_FUNCTION}")
                )
    return found


def vague_name(source: Source) -> list[str]:
    """A module named after nothing: `utils`, `helpers`, `manager` and the like."""
    if not source.path.endswith((".py", ".js")):
        return []  # the cascade layer and allauth's template are called `base`
    if source.path.endswith(("sqlite3/base.py", "postgresql/base.py")):
        return []  # Django looks for a database backend in the module `base`
    parts = source.path.rpartition(".")[0].split("/")
    return [source.at(1, f"the name {part!r} says nothing; name the noun") for part in parts if part in _VAGUE]
