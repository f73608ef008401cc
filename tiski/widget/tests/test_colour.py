"""Every brand colour gives text that can be read (widget.md 4, rule 11)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiski.widget.colour import DARK_SURFACE, LIGHT_SURFACE, Palette, contrast, ink_on, palette, readable

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(COLOURS)
def test_text_on_any_colour_reaches_4_58(colour: str) -> None:
    assert contrast(ink_on(colour), colour) >= 4.58


@given(COLOURS)
def test_any_colour_becomes_readable_text_on_light_and_dark(colour: str) -> None:
    made = palette(colour)
    assert contrast(made.text, LIGHT_SURFACE) >= 4.5
    assert contrast(made.text_dark, DARK_SURFACE) >= 4.5


@given(COLOURS)
def test_text_stays_readable_over_the_gradient_of_the_head(colour: str) -> None:
    made = palette(colour)
    assert contrast(made.on, made.deep) >= contrast(made.on, made.brand) - 0.05


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#767676", "#ffffff", 4.54),
        ("#0f5b50", "#ffffff", 7.98),
        ("#777777", "#777777", 1.0),
    ],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert round(contrast(one, other), 2) == ratio


def test_a_colour_that_is_readable_already_is_left_alone() -> None:
    assert readable("#0f5b50", on=LIGHT_SURFACE) == "#0f5b50"


def test_the_palette_of_the_tea_shop() -> None:
    assert palette("#2f5d46") == Palette(
        brand="#2f5d46", on="#ffffff", deep="#1e4c36", text="#2f5d46", text_dark="#69987f"
    )


def test_a_pale_brand_gets_black_text_and_a_darker_tone_for_words() -> None:
    made = palette("#ffd84d")
    assert made.on == "#000000"
    assert contrast(made.text, LIGHT_SURFACE) < 4.7
