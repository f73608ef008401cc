"""A mailbox's health in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tiski.channels.email import errors
from tiski.conversations.models import ChannelAccount
from tiski.kernel import clock
from tiski.kernel.errors import Refusal, registry

STALE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Side:
    """How reading or sending goes: `tone` ok, danger or "" when nothing is known.

    `since` says when it began to be so, `worked_at` when it was last seen to work, `code` what is wrong.
    """

    name: str
    words: str
    tone: str
    since: datetime | None = None
    worked_at: datetime | None = None
    code: str = ""


def sides(account: ChannelAccount, read_at: datetime | None = None) -> list[Side]:
    """Reading and sending, as they were last found; `read_at` is when the folder was last looked through."""
    reading, sending = _side(account, "imap", _("Reading")), _side(account, "smtp", _("Sending"))
    if account.is_on and account.settings.get("imap") and reading.tone != "danger":
        reading = _stale(reading, read_at or account.enabled_at)
    return [reading, sending]


def recovered(account: ChannelAccount) -> str:
    """What was made up for after the last outage, if there was one."""
    told = account.health.get("recovered")
    if not told:
        return ""
    count = int(told["count"])
    return ngettext("%(count)d message was recovered", "%(count)d messages were recovered", count) % {"count": count}


def recovered_span(account: ChannelAccount) -> tuple[datetime, datetime] | None:
    """From when until when the last outage lasted."""
    told = account.health.get("recovered")
    return (datetime.fromisoformat(told["since"]), datetime.fromisoformat(told["until"])) if told else None


def _side(account: ChannelAccount, side: str, name: str) -> Side:
    told = account.health.get(side)
    if told is None:
        return Side(name, _("not tried yet"), "")
    since = datetime.fromisoformat(told["since"])
    worked = account.health.get("at", {}).get(side)
    worked_at = datetime.fromisoformat(worked) if worked else None
    if not told["code"]:
        return Side(name, _("works"), "ok", since, worked_at)
    kind: type[Refusal] = registry().get(told["code"], errors.MailboxFault)
    return Side(name, str(kind.sentence), "danger", since, worked_at, told["code"])


def _stale(side: Side, read_at: datetime | None) -> Side:
    """Nothing is known to be wrong, and yet nobody reads."""
    if read_at is None or clock.now() - read_at < STALE:
        return side
    fault = errors.NotReading
    return Side(side.name, str(fault.sentence), "danger", read_at, side.worked_at, fault.code)
