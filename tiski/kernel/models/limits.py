"""Counters that outlive a restart."""

from __future__ import annotations

from django.db import models


class LimitWindow(models.Model):
    """How often a limited thing happened in one slice of time; the key is a keyed hash, so it names nobody."""

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=26)
    slice = models.BigIntegerField(help_text="Number of the slice since 1970.")
    hits = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "slice"], name="limit_window_key_slice")]

    def __str__(self) -> str:
        return f"{self.key} {self.slice}: {self.hits}"
