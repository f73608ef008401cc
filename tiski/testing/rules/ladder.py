"""The rungs of the ladder, read from the import contracts."""

from __future__ import annotations

import configparser
import re
from functools import cache

from tiski.testing.rules.sources import ROOT


@cache
def rungs() -> list[list[str]]:
    """The packages from top to bottom, those that do not exist yet included; siblings share a rung."""
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    lines = contracts["importlinter:contract:ladder"]["layers"].splitlines()
    return [re.findall(r"\w+", line) for line in lines if line.strip() and not line.strip().startswith("#")]


def rung(module: str) -> int:
    """How far from the bottom the package of `tiski.conversations.models` stands; the kernel is 0."""
    package = module.split(".")[1]
    for height, names in enumerate(reversed(rungs())):
        if package in names:
            return height
    raise LookupError(f"tiski.{package} stands on no rung; add it to .importlinter")
