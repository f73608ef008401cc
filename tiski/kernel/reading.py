"""Set-based reading for the hot paths: plain rows of a statement, and objects of such rows.

Django compiles a queryset anew each time it is asked, which costs more than SQLite needs to answer it. What every
request asks is therefore written as a statement.

Tables have an index on their shop, and SQLite, of which nobody analyses the tables, takes a shop for a handful of rows:
beside a longer list of ids it would go through all that the shop has. Such a statement says `+shop_id = %s`, which no
index answers, and finds the rows by their ids.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from django.db import connection, models

Row = tuple[Any, ...]
AnyModel = TypeVar("AnyModel", bound=models.Model)


def fetch(statement: str, parameters: Sequence[Any]) -> list[Row]:
    """All rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[Row] = cursor.fetchall()
        return found


def columns(model: type[models.Model], alias: str) -> str:
    """Every column of a model, for a SELECT whose rows become objects by `made`."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


def made(model: type[AnyModel], values: Sequence[Any]) -> AnyModel:
    """The object whose `columns` these are."""
    converted = list(values)
    for place, convert in _conversions(model, connection.vendor):
        converted[place] = convert(converted[place])
    return model.from_db(connection.alias, _names(model), converted)


def moment(value: Any) -> datetime:
    """A time from a raw row as an aware one: SQLite yields it without its zone, or as text out of an expression."""
    time: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def moment_or_none(value: Any) -> datetime | None:
    """The same for a column that may be empty."""
    return None if value is None else moment(value)


def marks(values: Collection[object]) -> str:
    """So many placeholders, for an IN list."""
    return ", ".join(["%s"] * len(values))


@cache
def _names(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


@cache
def _conversions(model: type[models.Model], _vendor: str) -> list[tuple[int, Callable[[Any], Any]]]:
    """What Django does to the values of a queryset, by place."""
    found = []
    for place, field in enumerate(model._meta.concrete_fields):
        column = field.get_col(model._meta.db_table)
        for convert in [*connection.ops.get_db_converters(column), *field.get_db_converters(connection)]:
            found.append((place, _conversion(convert, column)))
    return found


def _conversion(convert: Callable[..., Any], column: object) -> Callable[[Any], Any]:
    return lambda value: convert(value, column, connection)
