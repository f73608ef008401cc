"""A few lines of conversation for the settings' preview."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from tiski.kernel import clock
from tiski.widget.look import Look

CUSTOMER, AGENT = "customer", "agent"


def sample_messages(look: Look) -> list[dict[str, Any]]:
    """Two messages in the language of the moment, as the panel reads them; the shop's first face answers."""
    name = look.people[0].name if look.people else look.shop
    lines = [
        (CUSTOMER, "", _("Hi! Does this come in green too?")),
        (AGENT, name, _("Hello! It does, and we have it in stock. Shall I put one aside for you?")),
    ]
    asked_at = clock.now() - timedelta(minutes=2)
    return [
        {
            "seq": place + 1,
            "author": {"kind": kind, "name": author, "photo": None},
            "at": (asked_at + timedelta(minutes=place)).isoformat(timespec="seconds"),
            "body": body,
            "files": [],
        }
        for place, (kind, author, body) in enumerate(lines)
    ]
