"""What the demo pages need to know."""

from __future__ import annotations

from dataclasses import dataclass

from tiski.accounts.models import Shop
from tiski.conversations.models import ChannelAccount


@dataclass(frozen=True, slots=True)
class DemoShop:
    """The demo shop and the public key of its widget."""

    id: int
    key: str
    name: str
    widget_key: str


def demo_shop() -> DemoShop | None:
    """The demo shop, or None once it has been removed."""
    shop = Shop.objects.filter(is_demo=True).first()
    if shop is None:
        return None
    widget = ChannelAccount.unscoped.filter(shop=shop, kind="chat").values_list("key", flat=True).first()
    return DemoShop(shop.id, shop.key, shop.name, widget or "")
