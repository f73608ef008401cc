"""Every address of the product, as the URLconf has it, ready to be filled with somebody's ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLResolver, get_resolver

from tiski.accounts.policies import Policy

from .belongings import NOWHERE, PLAIN


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the URLconf, with the names of its parameters."""

    pattern: str
    policy: Policy | None

    @property
    def names(self) -> list[str]:
        """Parameters that name rows; raises for one that this suite cannot fill."""
        names = re.findall(r"<(?:\w+:)?(\w+)>", self.pattern)
        unknown = set(names) - set(NOWHERE) - set(PLAIN)
        assert not unknown, f"{self.pattern}: say in belongings.py what {unknown} stands for"
        return [name for name in names if name not in PLAIN]

    def address(self, values: dict[str, object]) -> str:
        """The address with these values."""
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str((PLAIN | values)[found[1]]), self.pattern)


def routes(patterns: Any = None, prefix: str = "") -> Iterator[Route]:
    """Every route there is."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield Route(route, getattr(pattern.callback, "policy", None))
