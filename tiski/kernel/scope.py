"""The shop scope: which tenant's rows a piece of work may see. Outside a scope, domain rows cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from django.db import models

_current: ContextVar[int | None] = ContextVar("shop", default=None)
RowModel_co = TypeVar("RowModel_co", bound=models.Model, covariant=True)


class OutsideScope(RuntimeError):
    """Rows of a shop were asked for without saying which shop: a defect in the caller, never a refusal."""


@contextmanager
def shop_scope(shop_id: int) -> Iterator[None]:
    """Work inside one shop: scoped managers yield this shop's rows and `emit` stamps its facts."""
    token = _current.set(shop_id)
    try:
        yield
    finally:
        _current.reset(token)


def current_shop() -> int:
    """Id of the shop in scope; raises `OutsideScope` when there is none."""
    shop_id = _current.get()
    if shop_id is None:
        raise OutsideScope("no shop in scope; wrap the work in `with shop_scope(shop.id):`")
    return shop_id


def current_shop_or_none() -> int | None:
    """Id of the shop in scope, or None for work that concerns the whole instance."""
    return _current.get()


class ScopedManager(models.Manager[RowModel_co]):
    """The default manager of every domain row: only the shop in scope exists."""

    def get_queryset(self) -> models.QuerySet[RowModel_co]:
        """Rows of the shop in scope; raises `OutsideScope` outside one."""
        return super().get_queryset().filter(shop_id=current_shop())
