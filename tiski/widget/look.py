"""How one shop's widget looks and who stands behind it, read once for the config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tiski.accounts import queries as accounts
from tiski.accounts.models import Shop
from tiski.conversations.models import ChannelAccount
from tiski.kernel import clock
from tiski.kernel.scope import shop_scope

POSITIONS = ("end", "start")
THEMES = ("auto", "light", "dark")
FACES = 3
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Face:
    """Somebody who answers: the name customers see, and the id of the photo's blob or an empty text."""

    name: str
    photo: str


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether the counter is open, when it closes and opens next; `has_hours` is false where no hours are set."""

    is_open: bool
    opens_at: datetime | None
    closes_at: datetime | None
    has_hours: bool


@dataclass(frozen=True, slots=True)
class Look:
    """Everything in a widget's config that differs between shops.

    `welcome` is the shop's own greeting by language; a language without one gets the widget's.
    """

    key: str
    shop: str
    language: str
    logo: str
    colour: str
    theme: str
    position: str
    welcome: Mapping[str, str]
    people: tuple[Face, ...]
    opening: Opening


def look_of(account: ChannelAccount) -> Look:
    """The look of a chat channel account, its shop loaded. Five queries."""
    shop, settings = account.shop, account.settings
    with shop_scope(shop.pk):
        people = tuple(Face(_called(each.name), each.photo) for each in accounts.members(answering=True)[:FACES])
    return Look(
        key=account.key,
        shop=shop.name,
        language=shop.language,
        logo=shop.logo,
        colour=shop.colour,
        theme=_one_of(THEMES, settings.get("theme")),
        position=_one_of(POSITIONS, settings.get("position")),
        welcome=_words_by_language(settings.get("welcome")),
        people=people if settings.get("shows_people", True) else (),
        opening=opening_of(shop),
    )


def tried_on(look: Look, wishes: Mapping[str, str]) -> Look:
    """The look with settings that are not saved yet, for the preview; what makes no sense is left as it was."""
    language = wishes.get("lang") or look.language
    return replace(
        look,
        shop=wishes.get("name", "").strip()[:80] or look.shop,
        colour=wishes["colour"].lower() if _is_colour(wishes.get("colour", "")) else look.colour,
        theme=wishes["theme"] if wishes.get("theme") in THEMES else look.theme,
        position=wishes["position"] if wishes.get("position") in POSITIONS else look.position,
        welcome={**look.welcome, language: wishes["welcome"][:300]} if "welcome" in wishes else look.welcome,
        people=() if wishes.get("shows_people") == "no" else look.people,
    )


def opening_of(shop: Shop, at: datetime | None = None) -> Opening:
    """The counter's state, with the next opening also while it is open."""
    now = at or clock.now()
    state = accounts.open_state(shop, now)
    if not state.is_open:
        return Opening(False, state.opens_at, None, has_hours=state.opens_at is not None)
    if state.closes_at is None:
        return Opening(True, None, None, has_hours=True)
    after = accounts.open_state(shop, state.closes_at + _MINUTE)
    return Opening(True, after.opens_at, state.closes_at, has_hours=True)


def _called(name: str) -> str:
    """The first name: what a person at a counter is called by."""
    return name.split(maxsplit=1)[0] if name.strip() else name


def _one_of(choices: tuple[str, ...], value: object) -> str:
    return value if isinstance(value, str) and value in choices else choices[0]


def _words_by_language(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(language): str(words) for language, words in value.items() if str(words).strip()}


def _is_colour(text: str) -> bool:
    return len(text) == 7 and text[0] == "#" and all(digit in "0123456789abcdefABCDEF" for digit in text[1:])
