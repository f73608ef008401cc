"""Pages that belong to no package above: the style guide, and the answer to a stale form token."""

from tiski.ui.web.pages import csrf_failed, styleguide

__all__ = ["csrf_failed", "styleguide"]
