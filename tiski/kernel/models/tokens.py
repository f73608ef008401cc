"""Tokens that were used up."""

from __future__ import annotations

from django.db import models

from tiski.kernel import clock


class SpentToken(models.Model):
    """A token that had its one effect; kept by its hash until it would have expired anyway."""

    hash = models.CharField(primary_key=True, max_length=64)
    expires_at = models.DateTimeField(db_index=True)
    spent_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.hash[:8]}…"
