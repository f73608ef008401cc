"""Foreign keys are imports too: they point down the ladder and leave no trace in the package they point at."""

from __future__ import annotations

from typing import Any, TypeAlias

from django.apps import apps
from django.db import models

from tiski.testing.rules.ladder import rung, rungs

Relation: TypeAlias = "tuple[type[models.Model], models.ForeignKey[Any, Any], type[models.Model]]"


def _ours() -> list[type[models.Model]]:
    """With the tables Django makes for many-to-many fields: their foreign keys count like any other."""
    every = apps.get_models(include_auto_created=True)
    return [model for model in every if model.__module__.startswith("tiski.")]


def _relations() -> list[Relation]:
    return [
        (model, field, field.related_model)
        for model in _ours()
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and isinstance(field.related_model, type)
    ]


def _package(model: type[models.Model]) -> str:
    parts = model.__module__.split(".")
    return ".".join(parts[: 3 if parts[1] == "channels" else 2])


def _ours_elsewhere() -> list[Relation]:
    return [
        (model, field, other)
        for model, field, other in _relations()
        if other.__module__.startswith("tiski.") and _package(other) != _package(model)
    ]


def test_foreign_keys_point_down_the_ladder() -> None:
    upward = [
        f"{model.__module__}.{model.__name__}.{field.name} -> {other.__name__}"
        for model, field, other in _ours_elsewhere()
        if rung(other.__module__) >= rung(model.__module__)
    ]
    assert "\n".join(upward) == ""


def test_foreign_keys_to_another_package_add_nothing_to_its_models() -> None:
    named = [
        f"{model.__module__}.{model.__name__}.{field.name}: related_name='+'"
        for model, field, _other in _ours_elsewhere()
        if not str(field.remote_field.related_name or "").endswith("+")
    ]
    assert "\n".join(named) == ""


def test_the_rungs_stand_in_the_order_of_the_contract() -> None:
    assert rungs()[-1] == ["kernel"]
    assert rung("tiski.kernel.events") == 0
    assert (
        rung("tiski.accounts.models")
        < rung("tiski.customers")
        < rung("tiski.conversations")
        < rung("tiski.channels.chat")
    )
    assert rung("tiski.console") == rung("tiski.widget") == rung("tiski.demo")


def test_every_row_of_a_shop_is_found_through_its_scope_only() -> None:
    from tiski.kernel.scope import ScopedManager

    open_managers = [
        f"{model.__module__}.{model.__name__}: its default manager is not a ScopedManager"
        for model in _ours()
        if any(field.name == "shop" for field in model._meta.concrete_fields)
        and not isinstance(model._default_manager, ScopedManager)
    ]
    assert "\n".join(open_managers) == ""
