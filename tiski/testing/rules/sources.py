"""The repository's own files, read once."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
_NOT_OURS = {".git", ".venv", "node_modules", "__pycache__", "vendor", "data", "build", "dist"}


@dataclass(frozen=True, slots=True)
class Source:
    """A file with its path from the repository's root, as `tiski/kernel/clock.py`."""

    path: str
    text: str
    _tree: list[ast.Module] = field(default_factory=list, compare=False, repr=False)

    def tree(self) -> ast.Module:
        """The parsed module of a Python file."""
        if not self._tree:
            self._tree.append(ast.parse(self.text, self.path))
        return self._tree[0]

    def within(self, *patterns: str) -> bool:
        """Whether the path fits one of the patterns; `*` also stands for folders."""
        return any(fnmatch(self.path, pattern) for pattern in patterns)

    def at(self, line: int, what: str) -> str:
        """One finding, in the form editors understand."""
        return f"{self.path}:{line}: {what}"


def sources(*suffixes: str, under: str = "") -> list[Source]:
    """Every file of ours with one of the suffixes; what others made lies in `vendor` folders and is left out."""
    return [source for source in _all() if source.path.endswith(suffixes) and source.path.startswith(under)]


def product() -> list[Source]:
    """The Python files that run at a merchant's: no tests, no test support, no migrations, no scripts."""
    python = sources(".py", under="tiski/")
    return [one for one in python if not one.within("*/tests/*", "tiski/testing/*", "*/migrations/*")]


@cache
def _all() -> list[Source]:
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text()) for path in sorted(_walk(ROOT))]


def _walk(top: Path) -> Iterator[Path]:
    for folder, below, names in os.walk(top):
        below[:] = [name for name in below if name not in _NOT_OURS and not name.startswith(".")]
        for name in names:
            if name.endswith((".py", ".js", ".css", ".html", ".txt", ".md", ".toml")):
                yield Path(folder) / name
