"""Files: the row that stands for bytes on the disk."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.db import models

from tiski.kernel import clock
from tiski.kernel.scope import ScopedManager


def new_blob_id() -> str:
    """128 random bits in hexadecimal: the address of a file tells nothing and cannot be guessed."""
    return secrets.token_hex(16)


class Blob(models.Model):
    """One stored file. The bytes are on the disk before this row is, so a row never lacks its file."""

    id = models.CharField(primary_key=True, max_length=32, default=new_blob_id, editable=False)
    shop_id = models.BigIntegerField(null=True, help_text="Empty for files of the instance, such as an agent's photo.")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField(help_text="Bytes, as stored.")
    content_type = models.CharField(max_length=100, help_text="Found in the bytes, never taken from the sender.")
    name = models.CharField(max_length=255, help_text="For people to read; no path is built from it.")
    width = models.PositiveIntegerField(null=True, help_text="Pixels; pictures only.")
    height = models.PositiveIntegerField(null=True, help_text="Pixels; pictures only.")
    created_at = models.DateTimeField(default=clock.now)

    objects: ClassVar[ScopedManager[Blob]] = ScopedManager()
    unscoped: ClassVar[models.Manager[Blob]] = models.Manager()

    class Meta:
        indexes = [models.Index(fields=["shop_id", "created_at"], name="blob_shop_created")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_picture(self) -> bool:
        """A raster picture that was drawn anew when it was stored, so it may be shown inside a page."""
        return self.width is not None
