"""Opening, changing and closing a shop."""

from __future__ import annotations

from datetime import time

from django.db import IntegrityError, transaction

from tiski.accounts import typed, whence
from tiski.accounts.errors import KeyTaken, OnlyDemosAreRemoved
from tiski.accounts.events import MembershipStarted, ShopChanged, ShopCreated
from tiski.accounts.models import Hours, Membership, OpenInterval, Role, Shop
from tiski.kernel.action import Actor, ActorKind, action
from tiski.kernel.events import emit
from tiski.kernel.scope import shop_scope

WORKDAYS = range(5)


@action
def create_shop(*, name: str, key: str, language: str, timezone: str, by: Actor, is_demo: bool = False) -> Shop:
    """Open a shop with hours Monday to Friday 9-17; an agent who opens it becomes its owner."""
    shop = Shop(
        name=typed.name(name),
        key=typed.key(key),
        language=typed.language(language),
        timezone=typed.timezone(timezone),
        is_demo=is_demo,
    )
    try:
        with transaction.atomic():
            shop.save(force_insert=True)
    except IntegrityError as taken:
        raise KeyTaken(key=key, field="key") from taken
    with shop_scope(shop.pk):
        _keep_office_hours(shop)
        emit(ShopCreated(shop=shop.pk, ip=whence.address()), by=by)
        if by.kind is ActorKind.AGENT and by.id is not None:
            Membership.objects.create(shop=shop, agent_id=by.id, role=Role.OWNER)
            emit(MembershipStarted(agent=by.id, role=Role.OWNER.value, ip=whence.address()), by=by)
    return shop


@action
def update_shop(shop: Shop, *, name: str, language: str, timezone: str, by: Actor) -> None:
    """Change what the shop is called, which language it speaks first and which clock its hours follow."""
    _change(
        shop,
        {"name": typed.name(name), "language": typed.language(language), "timezone": typed.timezone(timezone)},
        by=by,
    )


@action
def update_brand(shop: Shop, *, by: Actor, colour: str | None = None, logo: str | None = None) -> None:
    """Change the colour (`#rrggbb`) and the logo (a blob's id, empty for none); None leaves them as they are."""
    changes = {}
    if colour is not None:
        changes["colour"] = typed.colour(colour)
    if logo is not None:
        changes["logo"] = logo
    _change(shop, changes, by=by)


@action
def remove_shop(shop: Shop, *, by: Actor) -> None:
    """Remove a shop and everything that belongs to it: for demo shops only, a real shop keeps its history."""
    if not shop.is_demo:
        raise OnlyDemosAreRemoved
    shop.delete()


def _change(shop: Shop, changes: dict[str, str], *, by: Actor) -> None:
    changed = [field for field, value in changes.items() if getattr(shop, field) != value]
    if not changed:
        return
    for field in changed:
        setattr(shop, field, changes[field])
    shop.save(update_fields=changed)
    with shop_scope(shop.pk):
        emit(ShopChanged(shop=shop.pk, fields=changed, ip=whence.address()), by=by)


def _keep_office_hours(shop: Shop) -> None:
    hours = Hours.objects.create(shop=shop)
    OpenInterval.objects.bulk_create(
        OpenInterval(shop=shop, hours=hours, weekday=day, opens=time(9), closes=time(17)) for day in WORKDAYS
    )
