"""A mailbox's health in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from tiski.channels.email import errors
from tiski.conversations.models import ChannelAccount
from tiski.kernel.errors import Refusal, registry

SIDES = ("imap", "smtp")


@dataclass(frozen=True, slots=True)
class Side:
    """How reading or sending goes: `tone` ok, danger or "" when nothing is known; `since` when it began to."""

    name: str
    words: str
    tone: str
    since: datetime | None


def sides(account: ChannelAccount) -> list[Side]:
    """Reading and sending, as they were last found."""
    names = {"imap": _("Reading"), "smtp": _("Sending")}
    return [_side(names[side], account.health.get(side)) for side in SIDES]


def _side(name: str, told: dict[str, Any] | None) -> Side:
    if told is None:
        return Side(name, _("not tried yet"), "", None)
    since = datetime.fromisoformat(told["since"])
    if not told["code"]:
        return Side(name, _("works"), "ok", since)
    kind: type[Refusal] = registry().get(told["code"], errors.MailboxFault)
    return Side(name, str(kind.sentence), "danger", since)
