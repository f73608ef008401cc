"""Pieces of pages that are drawn once for everyone who is shown the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from django.template import engines
from django.utils import timezone
from django.utils.translation import get_language
from markupsafe import Markup, escape

from tiski.kernel import clock

MOST = 4_096
"""Pieces of one kind that are kept; an inbox row takes 1 KB and an entry of a thread 2."""

Draw = Callable[..., Markup]
DrawEach = Callable[[Iterable[tuple[Hashable, ...]]], list[Markup]]


def kept(*, has_ages: bool = False) -> Callable[[Draw], DrawEach]:
    """Keeps what a function drew, by all that it draws from: its arguments, and the reader's language and zone.

    The decorated function takes the arguments of several pieces. It must draw equal arguments equally: it may read no
    row, no request and nothing else that changes, so nothing has to be thrown away. Pieces that say how long ago
    something was (`has_ages`) are kept for their minute.
    """

    def decorate(draw: Draw) -> DrawEach:
        @lru_cache(MOST)
        def piece(_language: str | None, _zone: str, _minute: int, values: tuple[Hashable, ...]) -> Markup:
            return draw(*values)

        def drawn(each: Iterable[tuple[Hashable, ...]]) -> list[Markup]:
            if _environment().auto_reload:
                return [draw(*values) for values in each]
            language, zone = get_language(), timezone.get_current_timezone_name()
            minute = int(clock.now().timestamp() // 60) if has_ages else 0
            return [piece(language, zone, minute, values) for values in each]

        return drawn

    return decorate


def filled(piece: Markup, values: Mapping[str, str]) -> Markup:
    """A piece with what stands for values in it replaced by them; they are escaped."""
    for mark, value in values.items():
        piece = piece.replace(mark, escape(value))
    return piece


def macro(template: str, name: str) -> Draw:
    """A macro of a template, to be called from Python."""
    found: Draw = getattr(_environment().get_template(template).module, name)
    return found


def _environment() -> Any:
    return engines["jinja2"].env  # type: ignore[attr-defined]
