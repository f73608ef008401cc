"""What the demo shop sells."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

SHIPPING = Decimal("4.90")
FREE_SHIPPING_FROM = Decimal("50.00")


@dataclass(frozen=True, slots=True)
class Tea:
    """A tea: price in euros for a tin of `grams`, brewed `minutes` at `celsius`."""

    slug: str
    name: str
    kind: _StrPromise
    description: _StrPromise
    price: Decimal
    grams: int
    celsius: int
    minutes: int
    in_stock: int


TEAS = (
    Tea(
        "kuusenkerkka", "Kuusenkerkkä", _("Green tea"),
        _("Spruce tips picked in May, Japanese sencha and a little lemon peel. Smells like the first warm day."),
        Decimal("14.90"), 100, 75, 2, 42,
    ),
    Tea(
        "saariston-earl-grey", "Saariston Earl Grey", _("Black tea"),
        _("Ceylon leaf with bergamot and sea buckthorn. A brisk cup for a windy jetty."),
        Decimal("12.50"), 100, 95, 4, 60,
    ),
    Tea(
        "mustaherukka", "Mustaherukka", _("Black tea"),
        _("Blackcurrant leaves and berries with Assam. Round and dark, good with milk."),
        Decimal("11.90"), 100, 95, 4, 35,
    ),
    Tea(
        "sencha-aamu", "Sencha Aamu", _("Green tea"),
        _("First-flush sencha from Shizuoka, steamed short. Grassy, sweet and wide awake."),
        Decimal("16.90"), 80, 70, 2, 18,
    ),
    Tea(
        "lapin-yrtit", "Lapin yrtit", _("Herbal tea"),
        _("Nettle, angelica, birch leaf and meadowsweet from Inari. No caffeine, good for evenings."),
        Decimal("9.90"), 60, 100, 6, 80,
    ),
    Tea(
        "rooibos-pulla", "Rooibos Pulla", _("Rooibos"),
        _("Cardamom, almond and vanilla. The smell of a bun tray from the oven, without the crumbs."),
        Decimal("10.90"), 100, 100, 6, 51,
    ),
    Tea(
        "puolukka-kaneli", "Puolukka & kaneli", _("Herbal tea"),
        _("Lingonberries and cinnamon with apple and hibiscus. Tart, red and warming."),
        Decimal("10.90"), 100, 100, 7, 0,
    ),
    Tea(
        "oolong-usva", "Oolong Usva", _("Oolong"),
        _("Rolled high-mountain oolong from Taiwan. Unfolds over five infusions, from lilac to butter."),
        Decimal("19.90"), 75, 90, 3, 12,
    ),
)  # fmt: skip
BY_SLUG = {tea.slug: tea for tea in TEAS}
