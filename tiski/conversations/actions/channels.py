"""Channel accounts: adding, changing and switching the ways into the shop."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, transaction

from tiski.conversations.errors import KeyTaken
from tiski.conversations.events import ChannelChanged
from tiski.conversations.models import ChannelAccount
from tiski.kernel import clock, ids
from tiski.kernel.action import SYSTEM, Actor, action
from tiski.kernel.events import emit
from tiski.kernel.scope import current_shop
from tiski.kernel.text import clean_line


@action
def add_channel(
    kind: str, *, name: str, key: str = "", settings: Mapping[str, object] | None = None, secret: str = "", by: Actor
) -> ChannelAccount:
    """Add a way into the shop in scope, switched off; `secret` holds its credentials. Raises `KeyTaken`."""
    account = ChannelAccount(
        shop_id=current_shop(),
        kind=kind,
        key=key or ids.key(),
        name=clean_line(name, longest=80),
        settings=dict(settings or {}),
        secret=secret,
    )
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError as error:
        raise KeyTaken(key=key, field="key") from error
    _tell(account, by)
    return account


@action
def change_channel(
    account: ChannelAccount,
    *,
    name: str | None = None,
    settings: Mapping[str, object] | None = None,
    secret: str | None = None,
    by: Actor,
) -> None:
    """Change what is given and leave the rest; settings are replaced as a whole."""
    if name is not None:
        account.name = clean_line(name, longest=80)
    if settings is not None:
        account.settings = dict(settings)
    if secret is not None:
        account.secret = secret
    account.save()
    _tell(account, by)


@action
def switch_channel(account: ChannelAccount, *, on: bool, by: Actor) -> None:
    """Let the channel carry messages, or stop it; conversations stay."""
    if account.is_on == on:
        return
    now = clock.now()
    account.enabled_at = now if on else account.enabled_at
    account.disabled_at = None if on else now
    account.save(update_fields=["enabled_at", "disabled_at"])
    _tell(account, by)


@action
def report_health(account: ChannelAccount, health: Mapping[str, object], *, by: Actor = SYSTEM) -> None:
    """Keep what the channel found out about itself; told to others only when something but the time differs."""
    before, account.health = account.health, dict(health)
    account.save(update_fields=["health"])
    if {**before, "at": None} != {**account.health, "at": None}:
        _tell(account, by)


def _tell(account: ChannelAccount, by: Actor) -> None:
    emit(ChannelChanged(channel_account=account.id, kind=account.kind), by=by)
