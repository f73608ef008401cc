"""Rows that say when something last proved itself."""

from django.db import models


class Pulse(models.Model):
    """When a process last proved that the database takes a write, and when a milestone such as a backup was reached."""

    process = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.process} at {self.at}"
