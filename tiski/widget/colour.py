"""Colours of the shop's brand that people can read: contrast by WCAG 2.2 (1.4.3), lightness moved in OKLCH.

OKLab after Björn Ottosson, "A perceptual color space for image processing" (2020).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

BLACK, WHITE = "#000000", "#ffffff"
LIGHT_SURFACE = "#f7f6f1"
DARK_SURFACE = "#1d2828"
"""The least favourable backgrounds of brand-coloured text in the panel, in each scheme."""

READABLE = 4.5
_DEEPER = 0.06
_STEP = 0.005

Linear = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Palette:
    """The brand's colour and what goes with it.

    `on` is text upon it, `deep` its neighbour away from `on` (so that text stays readable over a gradient of the two),
    `text` and `text_dark` are the brand as a text colour on light and dark surfaces.
    """

    brand: str
    on: str
    deep: str
    text: str
    text_dark: str


def palette(brand: str) -> Palette:
    """Everything the widget needs from the merchant's one colour, `#rrggbb`."""
    on = ink_on(brand)
    return Palette(
        brand=brand,
        on=on,
        deep=_shifted(brand, -_DEEPER if on == WHITE else _DEEPER),
        text=readable(brand, on=LIGHT_SURFACE),
        text_dark=readable(brand, on=DARK_SURFACE),
    )


def ink_on(background: str) -> str:
    """Black or white, whichever contrasts more; never below 4.58:1, whatever the background."""
    return max(WHITE, BLACK, key=lambda ink: contrast(ink, background))


def readable(colour: str, *, on: str, least: float = READABLE) -> str:
    """The colour, moved in lightness just far enough to contrast with a background; its hue stays."""
    step, end = (_STEP, 1.0) if luminance(on) < 0.18 else (-_STEP, 0.0)
    lightness, chroma, hue = _to_oklch(colour)
    while contrast(colour, on) < least and lightness != end:
        lightness = min(1.0, max(0.0, lightness + step))
        colour = _from_oklch(lightness, chroma, hue)
    return colour


def contrast(one: str, other: str) -> float:
    """Contrast ratio, from 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance, from 0 to 1."""
    red, green, blue = _to_linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _shifted(colour: str, by: float) -> str:
    lightness, chroma, hue = _to_oklch(colour)
    return _from_oklch(min(1.0, max(0.0, lightness + by)), chroma, hue)


def _to_oklch(colour: str) -> tuple[float, float, float]:
    red, green, blue = _to_linear(colour)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return lightness, math.hypot(a, b), math.atan2(b, a)


def _from_oklch(lightness: float, chroma: float, hue: float) -> str:
    """The nearest colour that a screen can show: chroma gives way, lightness and hue do not."""
    shown = _oklch_to_linear(lightness, chroma, hue)
    while chroma > 0 and not all(-1e-4 <= part <= 1 + 1e-4 for part in shown):
        chroma = max(0.0, chroma - 0.002)
        shown = _oklch_to_linear(lightness, chroma, hue)
    return "#" + "".join(f"{round(_encode(part) * 255):02x}" for part in shown)


def _oklch_to_linear(lightness: float, chroma: float, hue: float) -> Linear:
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _to_linear(colour: str) -> Linear:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return _decode(red), _decode(green), _decode(blue)


def _decode(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _encode(part: float) -> float:
    part = min(1.0, max(0.0, part))
    return part * 12.92 if part <= 0.0031308 else float(1.055 * part ** (1 / 2.4) - 0.055)
