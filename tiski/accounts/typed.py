"""What people type, made clean or refused with the field's name."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from .errors import BadAddress, BadColour, BadKey, KeyTaken, NameMissing, UnknownChoice, UnknownTimezone
from .models import Density, Language, Role, Theme
from .models.shop import is_colour, is_key

RESERVED_KEYS = frozenset(
    {
        "account", "admin", "api", "assets", "chat", "demo", "docs", "favicon", "help", "instance", "invitations",
        "livez", "login", "logout", "mail", "manifest", "password", "pictures", "portal", "readyz", "robots",
        "security", "shops", "sign-in", "sign-out", "sign-up", "static", "status", "support", "tiski", "w",
        "webhooks", "www",
    }
)  # fmt: skip
"""First segments of addresses that are not a shop's, now or likely later."""

LONGEST_NAME = 80
LONGEST_ADDRESS = 254


def name(typed: str, *, field: str = "name") -> str:
    """A name on one line, at most 80 characters."""
    cleaned = " ".join(typed.split())[:LONGEST_NAME]
    if not cleaned:
        raise NameMissing(field=field)
    return cleaned


def address(typed: str) -> str:
    """An email address in lower case: one address is one person."""
    lowered = typed.strip().lower()
    try:
        validate_email(lowered)
    except ValidationError as bad:
        raise BadAddress(address=typed, field="email") from bad
    return lowered


def key(typed: str) -> str:
    """A shop's key, free to stand in addresses."""
    try:
        is_key(typed)
    except ValidationError as bad:
        raise BadKey(field="key") from bad
    if typed in RESERVED_KEYS:
        raise KeyTaken(key=typed, field="key")
    return typed


def colour(typed: str) -> str:
    """A colour as `#rrggbb` in lower case."""
    lowered = typed.strip().lower()
    try:
        is_colour(lowered)
    except ValidationError as bad:
        raise BadColour(field="colour") from bad
    return lowered


def timezone(typed: str) -> str:
    """The name of a zone in the IANA database."""
    if typed not in timezones():
        raise UnknownTimezone(timezone=typed, field="timezone")
    return typed


def language(typed: str) -> str:
    """A language Tiski speaks."""
    return _one_of(Language.values, typed, "language")


def role(typed: str) -> Role:
    """A member's role."""
    return Role(_one_of(Role.values, typed, "role"))


def theme(typed: str) -> str:
    """A colour scheme of the console."""
    return _one_of(Theme.values, typed, "theme")


def density(typed: str) -> str:
    """A density of the console."""
    return _one_of(Density.values, typed, "density")


@cache
def timezones() -> frozenset[str]:
    """Every zone of the IANA database."""
    return frozenset(available_timezones())


def _one_of(choices: list[str], typed: str, field: str) -> str:
    if typed not in choices:
        raise UnknownChoice(choice=typed, field=field)
    return typed
