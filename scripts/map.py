"""Writes docs/map.md: the ladder of packages as the import contracts set it, with what each really imports."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import grimp

from tiski.testing.rules.ladder import rungs
from tiski.testing.rules.sources import ROOT

FILE = ROOT / "docs" / "map.md"
HEAD = """# Map

Written by `make map` from the import contracts (`.importlinter`). A package may import those on lower rungs, never one
beside it or above it; what must be told upward is an event. What is marked later does not exist yet: a package
is created with its first real noun.

| rung | package | what it is | imports |
|---|---|---|---|
"""


def page() -> str:
    """The map as Markdown."""
    graph = grimp.build_graph("tiski")
    lines = []
    for height, names in reversed(list(enumerate(reversed(rungs())))):
        there = [name for name in names if (ROOT / "tiski" / name / "__init__.py").exists()]
        lines += [_line(height, name, graph) for name in there]
        later = [name for name in names if name not in there]
        if later:
            lines.append(f"| {height} | later: {', '.join(later)} | | |")
    return HEAD + "\n".join(lines) + "\n"


def _line(height: int, name: str, graph: grimp.ImportGraph) -> str:
    below = sorted(_imported(f"tiski.{name}", graph))
    return f"| {height} | [{name}](../tiski/{name}) | {_meaning(ROOT / 'tiski' / name)} | {', '.join(below)} |"


def _imported(package: str, graph: grimp.ImportGraph) -> set[str]:
    modules = {package, *graph.find_descendants(package)} if package in graph.modules else set()
    found = {imported for module in modules for imported in graph.find_modules_directly_imported_by(module)}
    return {name.split(".")[1] for name in found if name != "tiski"} - {package.split(".")[1]}


def _meaning(folder: Path) -> str:
    readme = folder / "README.md"
    if readme.exists():
        paragraphs = readme.read_text().split("\n\n")
        return " ".join(paragraphs[1].split()).partition(". ")[0].rstrip(".") if len(paragraphs) > 1 else ""
    return (ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or "").partition("\n")[0].rstrip(".")


def main() -> int:
    """Write the page."""
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
