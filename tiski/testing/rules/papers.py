"""What is written beside the code: decisions, package pages, what others made, and marks of unfinished work."""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
from pathlib import Path

from tiski.testing.rules.sources import ROOT, Source

DECISION_PARTS = ("## Context", "## Decision", "## Consequence")
_SKIPS = re.compile(
    r"\bpytest\.(?:skip|importorskip|xfail)\b|\bmark\.(?:skip|skipif|xfail)\b|\bunittest\.(?:skip|expectedFailure)"
    r"|\bskipTest\b|\bassert True\b|\.(?:skip|fixme)\("
)
_UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|lorem ipsum", re.IGNORECASE)


def packages() -> list[Path]:
    """Every package that owes the reader a page: those of `tiski/` and each channel."""
    found = sorted((ROOT / "tiski").glob("*/__init__.py")) + sorted((ROOT / "tiski/channels").glob("*/__init__.py"))
    return [init.parent for init in found if init.parent.name not in {"config", "channels"}]


def misnumbered(names: list[str]) -> list[str]:
    """Decision records that break the row 0001-title.md, 0002-title.md, ..."""
    return [
        f"{name}: number {number:04d} comes here, as NNNN-title-in-words.md"
        for number, name in enumerate(sorted(names), start=1)
        if not re.fullmatch(rf"{number:04d}-[a-z0-9]+(-[a-z0-9]+)*\.md", name)
    ]


def missing_parts(text: str) -> list[str]:
    """The parts a decision record lacks."""
    return [part for part in DECISION_PARTS if part not in text]


def changed_files_of_others(listing: Path, root: Path) -> list[str]:
    """Vendored files that are absent, differ from their recorded hash, or came without their licence."""
    found = []
    for entry in [part for parts in tomllib.loads(listing.read_text()).values() for part in parts]:
        places = [folder / entry["path"] for folder in (root / "static", root / "templates")]
        file = next((place for place in places if place.exists()), None)
        if file is None:
            found.append(f"{entry['path']}: recorded in {listing.name}, not there")
        elif base64.b64encode(hashlib.sha384(file.read_bytes()).digest()).decode() != entry["sha384"]:
            found.append(f"{entry['path']}: differs from its hash; vendor it anew instead of editing it")
        if not (listing.parent / entry["licence_file"]).exists():
            found.append(f"{entry['path']}: its licence {entry['licence_file']} is missing")
    return found


def skips(source: Source) -> list[str]:
    """Tests that would not run, or assert nothing."""
    return _found(
        source, _SKIPS, "a test runs or it is not written; a missing program fails with its installing command"
    )


def unfinished(source: Source) -> list[str]:
    """Marks of work that is not done."""
    return _found(source, _UNFINISHED, "finish it, or open an issue")


def _found(source: Source, pattern: re.Pattern[str], remedy: str) -> list[str]:
    return [
        source.at(source.text.count("\n", 0, match.start()) + 1, f"{match[0]}: {remedy}")
        for match in pattern.finditer(source.text)
    ]
