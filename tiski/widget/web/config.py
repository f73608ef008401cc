"""The config that the loader asks for: texts, colours, hours, people and the addresses of the panel's modules."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
from django.conf import settings
from django.urls import reverse
from django.utils import translation

from tiski.channels.chat.queries import KIND
from tiski.conversations.models import ChannelAccount
from tiski.kernel import blobs
from tiski.widget.colour import palette
from tiski.widget.look import Look, look_of
from tiski.widget.texts import texts

from . import modules

TYPES = (
    *("image/png", "image/jpeg", "image/webp", "image/gif", "image/heic", "image/avif", "video/*", "audio/*"),
    *("application/pdf", "text/plain", "text/csv", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp"),
)
"""What the file picker offers; the server decides by looking into the file."""

LIMITS = {"text": 4000, "files": 5, "file_bytes": blobs.LIMIT, "types": list(TYPES)}


def widget_account(key: str) -> ChannelAccount | None:
    """The chat channel account behind a public key, its shop loaded; None when it is unknown or switched off."""
    found = ChannelAccount.unscoped.select_related("shop").filter(kind=KIND, key=key).first()
    return found if found is not None and found.is_on else None


def config_for(account: ChannelAccount, lang: str) -> dict[str, Any]:
    """The config of a widget in a language; an unknown language gives the shop's own."""
    return config_of(look_of(account), lang)


def config_bytes(config: dict[str, Any]) -> bytes:
    """The config as it is sent."""
    return orjson.dumps(config)


def tag_of(content: bytes) -> str:
    """The entity tag of some content."""
    return f'"{hashlib.sha256(content).hexdigest()[:20]}"'


def config_of(look: Look, lang: str) -> dict[str, Any]:
    """The config of a look. Addresses are paths: the loader knows its own origin."""
    language = supported(lang, look.language)
    with translation.override(language):
        words = texts()
    opening = look.opening
    return {
        "key": look.key,
        "lang": language,
        "shop": {"name": look.shop, "logo": _picture(look.logo)},
        "colour": asdict(palette(look.colour)),
        "theme": look.theme,
        "position": look.position,
        "people": [{"name": each.name, "photo": _picture(each.photo)} for each in look.people],
        "hours": {
            "open": opening.is_open or not opening.has_hours,
            "opens_at": _moment(opening.opens_at),
            "closes_at": _moment(opening.closes_at),
            "hours": opening.has_hours,
        },
        "welcome": look.welcome.get(language, ""),
        "panel": modules.address(modules.PANEL),
        "css": modules.address(modules.STYLE),
        "socket": f"/w/{look.key}/live",
        "api": f"/w/{look.key}/",
        "limits": LIMITS,
        "texts": words,
    }


def supported(lang: str, fallback: str) -> str:
    """The language to speak: `sv` for `sv-FI`, the shop's own for one we have no words in."""
    short = lang.lower().replace("_", "-").partition("-")[0]
    return short if short in dict(settings.LANGUAGES) else fallback


def _picture(blob: str) -> str | None:
    return reverse("accounts_picture", kwargs={"blob_id": blob}) if blob else None


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
