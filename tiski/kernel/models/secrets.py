"""The data key of each shop."""

from __future__ import annotations

from django.db import models

from tiski.kernel import clock


class ShopKey(models.Model):
    """The key that encrypts one shop's secrets, itself encrypted by the master key; without this row they are gone."""

    id = models.BigAutoField(primary_key=True)
    shop_id = models.BigIntegerField(unique=True, help_text="0 for secrets of the instance.")
    wrapped = models.CharField(max_length=120)
    master_key_id = models.CharField(max_length=16, help_text="Which master key wrapped it.")
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"key of shop {self.shop_id}"
