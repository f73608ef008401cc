"""A model field whose column never holds the value in clear."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core import checks
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from . import envelope

ROW_NAMES = ("uuid", "key")


class Sealed(str):
    """The encrypted text as it stands in the column."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Sealed(…)"


class _OpensOnReading(DeferredAttribute):
    """The attribute gives the clear text; a loaded row is decrypted only when somebody reads the attribute."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Sealed):
            field: EncryptedField = self.field  # type: ignore[assignment]
            return field.open(instance, value)
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        """Present so that Python asks `__get__` even when the instance holds a value."""
        instance.__dict__[self.field.attname] = value


class EncryptedField(models.TextField):  # type: ignore[type-arg]
    """A string encrypted with the shop's key and bound to its row.

    The row is known by `row`: a field that is filled before the first save and never changes. Without it, the model's
    `uuid` or `key` is taken; a model with neither names one. The shop is the model's `shop_id`, else the instance.
    `values()` and friends yield the sealed text; `update()` and filters by value are refused.
    """

    descriptor_class = _OpensOnReading

    def __init__(self, *args: Any, row: str | None = None, **kwargs: Any) -> None:
        """`row` names the field the ciphertext is bound to."""
        self.row = row
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """Name, path and arguments for migrations."""
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, kwargs if self.row is None else {**kwargs, "row": self.row}

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Refuse a model without a field to bind to."""
        missing = (
            []
            if self._row_name()
            else [
                checks.Error(
                    f"{self.model.__name__}.{self.name} has no field to be bound to.",
                    hint="Give the model a `uuid` or `key` with a default, or name a field: EncryptedField(row=...).",
                    obj=self,
                    id="tiski.kernel.E001",
                )
            ]
        )
        return [*super().check(**kwargs), *missing]

    def from_db_value(self, value: str | None, _expression: object, _connection: object) -> str | None:
        """Mark what comes from the column, so that it is opened when read."""
        return Sealed(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Seal a new value; a value nobody set anew is written back as it was."""
        value = model_instance.__dict__.get(self.attname)
        if not value or isinstance(value, Sealed):
            return value
        shop, place = self._place(model_instance)
        sealed = Sealed(envelope.seal(value, shop=shop, place=place))
        model_instance.__dict__[self.attname] = sealed
        return sealed

    def get_prep_value(self, value: Any) -> Any:
        """Let only sealed or empty values through, so that clear text cannot reach the database by a side road."""
        if value and not isinstance(value, Sealed):
            raise TypeError(
                f"{self.name} is encrypted: set the attribute and save the object; it cannot be filtered by."
            )
        return None if value is None else str(value)

    def open(self, instance: models.Model, sealed: Sealed) -> str:
        """The clear text of a loaded row."""
        shop, place = self._place(instance)
        return envelope.open_(sealed, shop=shop, place=place)

    def _place(self, instance: models.Model) -> tuple[int, str]:
        row = getattr(instance, self._row_name() or "pk")
        if row in (None, ""):
            raise ValueError(f"{self.model.__name__}.{self._row_name()} must be set before {self.name} can be sealed.")
        return getattr(instance, "shop_id", None) or 0, f"{self.model._meta.db_table}.{self.column}:{row}"

    def _row_name(self) -> str | None:
        names = {field.name for field in self.model._meta.get_fields()}
        wanted = ROW_NAMES if self.row is None else (self.row,)
        return next((name for name in wanted if name in names), None)


def set_on(instance: models.Model, name: str) -> datetime | None:
    """When the secret was last set, or None when it is empty; reads no secret."""
    value = instance.__dict__.get(name)
    if not value:
        return None
    return envelope.sealed_at(value) if isinstance(value, Sealed) else None
