"""Servers of providers that many shops use, so that nobody has to look them up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tiski.channels.email.mailbox import Security


@dataclass(frozen=True, slots=True)
class Provider:
    """A mail provider whose servers are known: `initial` is what the form begins with."""

    key: str
    name: str
    initial: dict[str, Any]


def _provider(key: str, name: str, imap: str, smtp: str, **more: Any) -> Provider:
    servers = {
        "imap_host": imap,
        "imap_port": 993,
        "imap_security": Security.TLS,
        "smtp_host": smtp,
        "smtp_port": 465,
        "smtp_security": Security.TLS,
    }
    return Provider(key, name, servers | more)


# Microsoft 365 is not among them: it takes no passwords for IMAP, only OAuth.
PROVIDERS = (
    _provider("gmail", "Gmail", "imap.gmail.com", "smtp.gmail.com", plus_addressing=True, authserv_ids="mx.google.com"),
    _provider("fastmail", "Fastmail", "imap.fastmail.com", "smtp.fastmail.com", plus_addressing=True),
    _provider("zoho", "Zoho Mail", "imap.zoho.eu", "smtp.zoho.eu"),
)


def initial_for(key: str | None) -> dict[str, Any]:
    """What the form begins with for a provider; nothing for one that is not known."""
    return next((provider.initial for provider in PROVIDERS if provider.key == key), {})
