"""Prices as Finnish, Swedish and English readers write them."""

from __future__ import annotations

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import get_language


def euros(amount: Decimal) -> str:
    """14,90 € or €14.90, with a no-break space before the sign."""
    number = number_format(amount, decimal_pos=2, use_l10n=True, force_grouping=True)
    return f"€{number}" if get_language() == "en" else f"{number}\N{NO-BREAK SPACE}€"
