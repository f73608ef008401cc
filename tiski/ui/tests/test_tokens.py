"""Every pair of colours that the design allows, computed from the sheet itself."""

import pytest

from tiski.ui import tokens

SCHEMES = ("light", "dark")
TIGHTEST = [
    ("light", "ink-3", "mine", 5.01),
    ("light", "warn", "sunken", 5.83),
    ("light", "focus", "mine", 4.39),
    ("light", "line-strong", "canvas", 3.61),
    ("light", "c2", "surface", 3.39),
    ("light", "cloudberry", "selected", 2.86),
    ("dark", "ink-3", "mine", 4.77),
    ("dark", "danger", "danger-tint", 6.30),
    ("dark", "line-strong", "raised", 3.87),
]
HEX = [
    ("canvas", "#f7f6f1", "#0b1313"),
    ("selected", "#d5eeec", "#173331"),
    ("ink", "#162322", "#ecede9"),
    ("accent", "#0f5b50", "#73cbb7"),
    ("danger", "#a8282a", "#f68880"),
    ("cloudberry", "#c77618", "#f3ae58"),
    ("c6", "#6a894a", "#a0c679"),
]


@pytest.mark.parametrize("pair", tokens.pairs(), ids=lambda pair: f"{pair.front} on {pair.back}")
@pytest.mark.parametrize("scheme", SCHEMES)
def test_everything_drawn_can_be_seen(scheme: str, pair: tokens.Pair) -> None:
    colours = {name: both[SCHEMES.index(scheme)] for name, both in tokens.colours().items()}
    assert tokens.contrast(colours[pair.front], colours[pair.back]) >= pair.least


@pytest.mark.parametrize(("scheme", "front", "back", "ratio"), TIGHTEST)
def test_the_tightest_pairs_are_as_designed(scheme: str, front: str, back: str, ratio: float) -> None:
    index = SCHEMES.index(scheme)
    colours = tokens.colours()
    assert tokens.contrast(colours[front][index], colours[back][index]) == pytest.approx(ratio, abs=0.006)


@pytest.mark.parametrize(("name", "light", "dark"), HEX)
def test_colours_are_the_ones_of_the_design(name: str, light: str, dark: str) -> None:
    assert [colour.hex() for colour in tokens.colours()[name]] == [light, dark]


def test_every_colour_lies_inside_srgb() -> None:
    outside = [
        name
        for name, both in tokens.colours().items()
        if any(not -0.0005 <= channel <= 1.0005 for colour in both for channel in colour.srgb())
    ]
    assert outside == []


def test_white_on_black_has_the_largest_contrast() -> None:
    white, black = tokens.Colour(1, 0, 0), tokens.Colour(0, 0, 0)
    assert tokens.contrast(black, white) == pytest.approx(21)


def test_the_style_guide_prints_every_token() -> None:
    table = {row.name: row for row in tokens.colour_table()}
    assert len(table) == len(tokens.colours()) >= 33
    assert table["accent"].light == "#0f5b50"
    assert ("s-4", "1rem") in tokens.scales()
    assert ("d-2", "160ms") in tokens.scales()
