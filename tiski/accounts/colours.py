"""Which ink can be read on a shop's colour."""

from __future__ import annotations

WHITE, BLACK = "#ffffff", "#071413"


def ink_on(colour: str) -> str:
    """White or near-black, whichever contrasts more with `#rrggbb` (WCAG 2.2, relative luminance)."""
    return WHITE if contrast(colour, WHITE) >= contrast(colour, BLACK) else BLACK


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours `#rrggbb`, from 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[start : start + 2], 16) / 255) for start in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
