"""Facts and deliveries: an event is a row."""

from __future__ import annotations

from django.db import models


class Fact(models.Model):
    """Something that happened, written in the transaction that made it happen."""

    id = models.BigAutoField(primary_key=True)
    shop_id = models.BigIntegerField(null=True, help_text="Plain integer: the kernel knows no domain nouns.")
    name = models.CharField(max_length=80)
    subject = models.CharField(max_length=80, blank=True, default="", help_text="The live topic, `conversation-7`.")
    data = models.JSONField()
    actor_kind = models.CharField(max_length=16)
    actor_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    ring = models.BooleanField(default=False, help_text="Worth a sound in the console.")
    key = models.CharField(max_length=120, null=True, help_text="Makes a schedule's tick unique.")
    position = models.BigIntegerField(null=True, help_text="Publish sequence; PostgreSQL only.")

    class Meta:
        # Each message writes a fact, so no index may hold what it does not need. PostgreSQL alone has one more,
        # `fact_unpublished`, made by the migration that brought these two.
        constraints = [
            models.UniqueConstraint(fields=["key"], name="fact_key", condition=models.Q(key__isnull=False)),
            models.UniqueConstraint(
                fields=["position"], name="fact_position", condition=models.Q(position__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.subject}".strip()


class Delivery(models.Model):
    """One handler's share of a fact. Deleted when done; what failed for good stays, visible and retryable."""

    id = models.BigAutoField(primary_key=True)
    fact = models.ForeignKey(Fact, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    handler = models.CharField(max_length=120)
    order_key = models.CharField(max_length=80, blank=True, default="", help_text="Earlier ones of a key go first.")
    due = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    fence = models.PositiveIntegerField(
        default=0, help_text="Raised by each claim; a late result of an old one is void."
    )
    lease_owner = models.CharField(max_length=40, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")
    dead_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["due"], name="delivery_due", condition=models.Q(dead_at__isnull=True)),
            models.Index(
                fields=["handler", "order_key", "id"], name="delivery_order", condition=~models.Q(order_key="")
            ),
            models.Index(fields=["fact"], name="delivery_fact"),
            models.Index(fields=["dead_at"], name="delivery_dead", condition=models.Q(dead_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.handler} of fact {self.fact_id}"
