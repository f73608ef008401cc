"""Text from strangers, made fit for a page. Nothing else in Tiski marks a string as safe HTML.

The parser child uses this package without Django, so nothing here imports it.
"""

from __future__ import annotations

from .plain import clean_line, clean_name, snippet, text_to_html
from .untrusted import SANITISER_VERSION, CleanHtml, keep_inline_images, render_untrusted_html, shown_again

__all__ = [
    "SANITISER_VERSION",
    "CleanHtml",
    "clean_line",
    "clean_name",
    "keep_inline_images",
    "render_untrusted_html",
    "shown_again",
    "snippet",
    "text_to_html",
]
