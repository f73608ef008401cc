"""The tokens of `tokens.css` as numbers: sRGB and contrast, for the style guide and the test of every pair.

Conversion after Björn Ottosson, "A perceptual color space for image processing" (2020); contrast after WCAG 2.2,
relative luminance.
"""

import math
import re
from dataclasses import dataclass
from functools import cache

from tiski.ui import statics

SURFACES = ("canvas", "surface", "raised", "sunken", "hover")
TEXTS = ("ink", "ink-2", "ink-3", "accent", "link", "danger", "warn", "ok", "info")
TINTS = ("danger-tint", "warn-tint", "ok-tint", "info-tint")
TEXT_RATIO = 4.5
SIGN_RATIO = 3.0

_PAIR = re.compile(r"--([\w-]+): light-dark\(oklch\(([^)]+)\), oklch\(([^)]+)\)\);")
_SCALE = re.compile(r"--((?:t|s|r|d)-[\w-]+): ([^;]+);")


@dataclass(frozen=True, slots=True)
class Colour:
    """One colour in OKLCH: lightness 0-1, chroma, hue in degrees."""

    lightness: float
    chroma: float
    hue: float

    def srgb(self) -> tuple[float, float, float]:
        """Gamma-encoded channels, 0-1 when the colour lies inside sRGB."""
        red, green, blue = (_encoded(channel) for channel in self._linear())
        return red, green, blue

    def luminance(self) -> float:
        """Relative luminance of WCAG, of the eight-bit colour that a screen shows."""
        red, green, blue = (_decoded(channel / 255) for channel in self._bytes())
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def hex(self) -> str:
        """For mail, PDF and image work."""
        return "#" + "".join(f"{channel:02x}" for channel in self._bytes())

    def _bytes(self) -> list[int]:
        return [round(min(1.0, max(0.0, channel)) * 255) for channel in self.srgb()]

    def _linear(self) -> tuple[float, float, float]:
        a = self.chroma * math.cos(math.radians(self.hue))
        b = self.chroma * math.sin(math.radians(self.hue))
        long = (self.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
        medium = (self.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
        short = (self.lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
        return (
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """Something drawn on something, and how much they must differ."""

    front: str
    back: str
    least: float


@dataclass(frozen=True, slots=True)
class ColourRow:
    """A line of the style guide's table; ratios are those on `surface`, light and dark."""

    name: str
    light: str
    dark: str
    light_ratio: float
    dark_ratio: float


@cache
def colours() -> dict[str, tuple[Colour, Colour]]:
    """Light and dark colour of each token."""
    sheet = statics.files()["ui/css/tokens.css"].read_text()
    return {name: (_colour(light), _colour(dark)) for name, light, dark in _PAIR.findall(sheet)}


def pairs() -> list[Pair]:
    """Every pair that ui.md section 9.2 asks for."""
    wanted = [Pair(text, back, TEXT_RATIO) for text in TEXTS for back in SURFACES]
    wanted += [
        Pair(text, back, TEXT_RATIO) for text in ("ink", "ink-2") for back in ("selected", "note", "mine", *TINTS)
    ]
    wanted += [Pair("ink-3", back, TEXT_RATIO) for back in ("selected", "note", "mine")]
    wanted += [Pair(tint.removesuffix("-tint"), tint, TEXT_RATIO) for tint in TINTS]
    wanted += [Pair("focus", back, SIGN_RATIO) for back in (*SURFACES, "selected", "note", "mine")]
    wanted += [Pair("line-strong", back, SIGN_RATIO) for back in ("canvas", "surface", "raised")]
    wanted += [Pair(f"c{number}", "surface", SIGN_RATIO) for number in range(1, 7)]
    wanted += [Pair("cloudberry", "surface", SIGN_RATIO)]
    wanted += [Pair("accent-ink", back, TEXT_RATIO) for back in ("accent", "accent-hover")]
    return [*wanted, Pair("warn", "note", TEXT_RATIO)]


def contrast(front: Colour, back: Colour) -> float:
    """The contrast ratio of WCAG, 1-21."""
    lighter, darker = sorted((front.luminance(), back.luminance()), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def colour_table() -> list[ColourRow]:
    """What the style guide prints."""
    known = colours()
    ground = known["surface"]
    return [
        ColourRow(
            name=name,
            light=light.hex(),
            dark=dark.hex(),
            light_ratio=round(contrast(light, ground[0]), 2),
            dark_ratio=round(contrast(dark, ground[1]), 2),
        )
        for name, (light, dark) in known.items()
    ]


def scales() -> list[tuple[str, str]]:
    """Sizes, spaces, radii and durations with their values."""
    sheet = statics.files()["ui/css/tokens.css"].read_text()
    return _SCALE.findall(sheet.partition("[data-theme")[0])


def _colour(written: str) -> Colour:
    lightness, chroma, hue = written.split()
    return Colour(float(lightness.removesuffix("%")) / 100, float(chroma), float(hue))


def _encoded(channel: float) -> float:
    if channel <= 0.0031308:
        return 12.92 * channel
    return 1.055 * math.copysign(abs(channel) ** (1 / 2.4), channel) - 0.055


def _decoded(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
