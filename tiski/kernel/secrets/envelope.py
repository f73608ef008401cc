"""AES-256-GCM envelopes: one data key for each shop, wrapped by the master key.

A sealed text reads `v1.<data key>.<unix time>.<base 64 of nonce and ciphertext>`. Shop, place and time are the
associated data, so a ciphertext copied to another row, column or shop does not open there.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tiski.kernel import clock, keyfile
from tiski.kernel.errors import Unavailable

from .redaction import remember

if TYPE_CHECKING:
    from django.db.models import Manager

    from tiski.kernel.models import ShopKey

VERSION = "v1"
NONCE_BYTES = 12


class SecretUnreadable(Unavailable):
    """A stored password or token does not open: wrong key file, or the row was tampered with."""

    code = "secrets.unreadable"
    sentence = _(
        "A stored password cannot be read. Set it again, or put back the key file that belongs to this database."
    )


def seal(text: str, *, shop: int, place: str) -> str:
    """Encrypt for one place, for example `conversations_channelaccount.secret:7`. Shop 0 is the instance."""
    shop_key = _shop_key(shop)
    moment = int(clock.now().timestamp())
    raw = _encrypt(_unwrap(shop_key), text.encode(), f"{shop}\0{place}\0{moment}")
    remember(text)
    return f"{VERSION}.{shop_key.id}.{moment}.{raw}"


def open_(sealed: str, *, shop: int, place: str) -> str:
    """Decrypt what `seal` made for the same shop and place; raises SecretUnreadable."""
    try:
        version, key_id, moment, raw = sealed.split(".")
        shop_key = _shop_keys().filter(id=int(key_id), shop_id=shop).first()
    except ValueError:
        raise SecretUnreadable from None
    if version != VERSION or shop_key is None:
        raise SecretUnreadable
    text = _decrypt(_unwrap(shop_key), raw, f"{shop}\0{place}\0{moment}").decode()
    remember(text)
    return text


def sealed_at(sealed: str) -> datetime:
    """When it was sealed; the value itself stays closed."""
    return datetime.fromtimestamp(int(sealed.split(".")[2]), tz=UTC)


def rewrap() -> int:
    """Wrap every data key with the master key now in use; returns how many were changed. Safe to run again."""
    current = keyfile.load(settings.TISKI_KEY_FILE)[0]
    changed = 0
    for shop_key in _shop_keys().exclude(master_key_id=current.id):
        wrapped = _wrap(current, _unwrap(shop_key), shop_key.shop_id)
        changed += _shop_keys().filter(id=shop_key.id).update(wrapped=wrapped, master_key_id=current.id)
    return changed


def unreadable_keys() -> int:
    """How many shops' data keys no known master key opens; more than none means a foreign key file."""
    known = [key.id for key in keyfile.load(settings.TISKI_KEY_FILE)]
    return _shop_keys().exclude(master_key_id__in=known).count()


def _shop_keys() -> Manager[ShopKey]:
    from tiski.kernel.models import ShopKey  # settings import this package before models can be loaded

    return ShopKey.objects


def _shop_key(shop: int) -> ShopKey:
    """The shop's data key, made on first use. Never cached: the transaction that made it may be rolled back."""
    from tiski.kernel.models import ShopKey

    known = _shop_keys().filter(shop_id=shop).first()
    if known is not None:
        return known
    current = keyfile.load(settings.TISKI_KEY_FILE)[0]
    fresh = ShopKey(shop_id=shop, wrapped=_wrap(current, secrets.token_bytes(32), shop), master_key_id=current.id)
    _shop_keys().bulk_create([fresh], ignore_conflicts=True)
    return _shop_keys().get(shop_id=shop)


def _wrap(master: keyfile.MasterKey, data_key: bytes, shop: int) -> str:
    return _encrypt(keyfile.derive(master, "wrap"), data_key, f"data key of shop {shop}")


def _unwrap(shop_key: ShopKey) -> bytes:
    master = _master(shop_key.master_key_id)
    return _decrypt(keyfile.derive(master, "wrap"), shop_key.wrapped, f"data key of shop {shop_key.shop_id}")


def _master(key_id: str) -> keyfile.MasterKey:
    """A key that is not known may have been added by another process since this one read the file."""
    for attempt in ("known", "read again"):
        for key in keyfile.load(settings.TISKI_KEY_FILE):
            if key.id == key_id:
                return key
        if attempt == "known":
            keyfile.load.cache_clear()
    raise SecretUnreadable


def _encrypt(key: bytes, clear: bytes, bound_to: str) -> str:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.urlsafe_b64encode(nonce + AESGCM(key).encrypt(nonce, clear, bound_to.encode())).decode()


def _decrypt(key: bytes, raw: str, bound_to: str) -> bytes:
    try:
        sealed = base64.urlsafe_b64decode(raw)
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
    except (InvalidTag, ValueError, binascii.Error):
        raise SecretUnreadable from None
