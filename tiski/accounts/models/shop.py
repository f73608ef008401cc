"""The shop: tenant and brand at once."""

from __future__ import annotations

from typing import ClassVar, Self

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tiski.kernel import clock
from tiski.kernel.scope import ScopedManager

DEFAULT_COLOUR = "#0f5b50"

is_key = RegexValidator(
    r"\A[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?\Z",
    _("Use 1-40 lower-case letters, digits and hyphens; begin and end with a letter or a digit."),
)
is_colour = RegexValidator(r"\A#[0-9a-f]{6}\Z", _("Write the colour as # and six digits, for example #0f5b50."))


class Language(models.TextChoices):
    """Languages in which Tiski speaks; each names itself."""

    FINNISH = "fi", "Suomi"
    SWEDISH = "sv", "Svenska"
    ENGLISH = "en", "English"


class Shop(models.Model):
    """One online store: everything it owns carries its id, and its key stands in every address."""

    key = models.CharField(max_length=40, unique=True, validators=[is_key])
    name = models.CharField(max_length=80)
    language = models.CharField(max_length=2, choices=Language, default=Language.FINNISH)
    timezone = models.CharField(max_length=64, default="Europe/Helsinki")
    is_demo = models.BooleanField(default=False)
    logo = models.CharField(max_length=32, blank=True, default="", help_text="Id of a blob.")
    colour = models.CharField(max_length=7, default=DEFAULT_COLOUR, validators=[is_colour])
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name


class ShopRow(models.Model):
    """Base of every domain row: it belongs to a shop, and only the shop in scope can reach it.

    `unscoped` is for migrations, set-based writers and the instance owner's pages; everyone else uses `objects`.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")

    objects: ClassVar[ScopedManager[Self]] = ScopedManager()
    unscoped: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        abstract = True
