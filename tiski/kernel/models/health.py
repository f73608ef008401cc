"""The row that readiness writes, so that "ready" means "can store"."""

from django.db import models


class Pulse(models.Model):
    """When each process last proved that the database takes a write."""

    process = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.process} at {self.at}"
