"""What is drawn once for everyone who is shown the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.template import engines
from django.utils import timezone, translation
from markupsafe import Markup

from tiski.kernel import clock
from tiski.ui.drawing import DrawEach, filled, kept, macro
from tiski.ui.jinja import joined


def pieces(*, has_ages: bool = False) -> tuple[DrawEach, list[tuple[str, int]]]:
    """A function that is kept, and what it was asked to draw."""
    asked: list[tuple[str, int]] = []

    @kept(has_ages=has_ages)
    def draw(word: str, number: int) -> Markup:
        asked.append((word, number))
        return Markup(f"<b>{word} {number}</b>")

    return draw, asked


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock to so many seconds after a full minute."""
    minute = clock.now().replace(second=0, microsecond=0)

    def set_to(seconds: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: minute + timedelta(seconds=seconds))

    return set_to


def test_the_same_is_drawn_once_and_another_anew() -> None:
    draw, asked = pieces()
    assert draw([("tee", 1), ("tee", 2), ("tee", 1)]) == ["<b>tee 1</b>", "<b>tee 2</b>", "<b>tee 1</b>"]
    assert draw([("tee", 2)]) == ["<b>tee 2</b>"]
    assert asked == [("tee", 1), ("tee", 2)]


def test_readers_of_another_language_or_zone_are_drawn_for_apart() -> None:
    draw, asked = pieces()
    for language, zone in [("fi", "Europe/Helsinki"), ("sv", "Europe/Helsinki"), ("fi", "Europe/London")] * 2:
        with translation.override(language), timezone.override(ZoneInfo(zone)):
            draw([("tee", 1)])
    assert len(asked) == 3


@pytest.mark.parametrize(("has_ages", "times"), [(True, 2), (False, 1)])
def test_ages_are_kept_for_their_minute(has_ages: bool, times: int, at: Callable[[float], None]) -> None:
    draw, asked = pieces(has_ages=has_ages)
    for seconds in (0, 59, 61):
        at(seconds)
        draw([("tee", 1)])
    assert len(asked) == times


def test_while_templates_are_edited_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    draw, asked = pieces()
    monkeypatch.setattr(engines["jinja2"].env, "auto_reload", True)  # type: ignore[attr-defined]
    draw([("tee", 1), ("tee", 1)])
    assert len(asked) == 2


def test_what_cannot_be_compared_cannot_be_kept() -> None:
    draw, _asked = pieces()
    with pytest.raises(TypeError):
        draw([(["tee"], 1)])  # type: ignore[list-item]


def test_a_macro_is_called_from_python() -> None:
    drawn = macro("ui/components.html", "chip")("<tee>")
    assert isinstance(drawn, Markup)
    assert "&lt;tee&gt;" in drawn


def test_pieces_are_joined_and_filled_without_losing_their_markup() -> None:
    piece = macro("ui/components.html", "chip")("(name)")
    assert filled(joined([piece, piece]), {"(name)": "<tee>"}) == str(piece).replace("(name)", "&lt;tee&gt;") * 2
