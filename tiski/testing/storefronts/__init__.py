"""Shops whose pages make a widget's life hard: resets, strict policies, patched built-ins, dialogs, other directions.

with Storefronts(desk.address, desk.key) as shops:
    screen.page.goto(shops.address("strict"))
"""

from .server import PAGES, Storefronts

__all__ = ["PAGES", "Storefronts"]
