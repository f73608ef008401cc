"""Rows for the style guide, in the shapes that the partials take."""

from tiski.ui.showcase.afternoon import world
from tiski.ui.showcase.shapes import Entry, File, Row, World

__all__ = ["Entry", "File", "Row", "World", "world"]
