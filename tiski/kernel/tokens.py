"""Signed tokens, keyed hashes and single use: the only place where something is signed or a signature is believed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from . import clock, keyfile
from .errors import NotFound
from .models import SpentToken

MAC_BYTES = 16
SHORTEST_SECRET = 20
LONGEST_TOKEN = 1024
WRONG_CLOCK = timedelta(days=30)
_HEAD = struct.Struct(">Q8s")


class BadToken(NotFound):
    """Forged, expired, used, empty or meant for something else: the answer is always the same."""

    code = "tokens.bad"
    sentence = _("This link is no longer valid. Ask for a new one.")


def sign(purpose: str, subject: str, ttl: timedelta, *, shop: int) -> str:
    """A token that says `subject` for one purpose and one shop (0: the instance) until `ttl` has passed.

    Two tokens for the same subject differ, so each can be spent on its own. Fits into an address as it is.
    """
    expires = int((clock.now() + ttl).timestamp())
    body = _HEAD.pack(expires, secrets.token_bytes(8)) + subject.encode()
    return _text_of(_mac(keyfile.load(settings.TISKI_KEY_FILE)[0], f"token/{purpose}", [shop, body]) + body)


def verify(purpose: str, token: object, *, shop: int) -> str:
    """The subject of a token made by `sign` with the same purpose and shop; raises BadToken for anything else."""
    given, body = _taken_apart(token)
    if not any(hmac.compare_digest(given, known) for known in _macs(f"token/{purpose}", [shop, body])):
        raise BadToken
    expires, _nonce = _HEAD.unpack_from(body)
    if expires <= clock.now().timestamp():
        raise BadToken
    return body[_HEAD.size :].decode()


def spend(token: str) -> None:
    """Use a verified token up, in the transaction of its effect; raises BadToken when it was used before."""
    if not connection.in_atomic_block:
        raise RuntimeError("spend() belongs into the transaction of the token's effect")
    _given, body = _taken_apart(token)
    expires = datetime.fromtimestamp(_HEAD.unpack_from(body)[0], tz=UTC)
    try:
        with transaction.atomic():
            SpentToken.objects.create(hash=hash_token(token), expires_at=expires)
    except IntegrityError:
        raise BadToken from None


def forget_expired() -> int:
    """Remove rows of tokens that have expired and so cannot come back, even if the clock is days wrong today."""
    return SpentToken.objects.filter(expires_at__lt=clock.now() - WRONG_CLOCK).delete()[0]


def mac(purpose: str, *parts: str | int | bytes) -> bytes:
    """A keyed hash of the parts, 16 bytes; the same parts give the same bytes until the master key is rotated."""
    return _mac(keyfile.load(settings.TISKI_KEY_FILE)[0], f"mac/{purpose}", parts)


def mac_text(purpose: str, *parts: str | int | bytes, length: int = 26) -> str:
    """The same in lower-case base 32, which survives systems that fold case; 26 characters carry all 128 bits."""
    return base64.b32encode(mac(purpose, *parts)).decode().rstrip("=").lower()[:length]


def matches(purpose: str, given: object, *parts: str | int | bytes) -> bool:
    """Was `given` made by `mac` or `mac_text`, in full, from these parts with any master key that is still kept?"""
    if isinstance(given, str):
        given = _bytes_of_base32(given)
    if not isinstance(given, bytes) or len(given) != MAC_BYTES:
        return False
    return any(hmac.compare_digest(given, known) for known in _macs(f"mac/{purpose}", parts))


def new_token() -> str:
    """256 random bits for whoever carries it; store `hash_token` of it, never the token."""
    return secrets.token_urlsafe(32)


def hash_token(text: object) -> str:
    """What is stored instead of a random token (SHA-256, hexadecimal); raises BadToken when it is empty or short."""
    if not isinstance(text, str) or not SHORTEST_SECRET <= len(text) <= LONGEST_TOKEN:
        raise BadToken
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def same(given: object, expected: object) -> bool:
    """Compare two secrets in constant time; empty, short or non-text values never match anything."""
    try:
        return hmac.compare_digest(hash_token(given), hash_token(expected))
    except BadToken:
        return False


def _taken_apart(token: object) -> tuple[bytes, bytes]:
    if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
        raise BadToken
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadToken from None
    # Base 64 leaves spare bits in the last character; a second spelling would be spent a second time.
    if len(raw) < MAC_BYTES + _HEAD.size or _text_of(raw) != token:
        raise BadToken
    return raw[:MAC_BYTES], raw[MAC_BYTES:]


def _text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes_of_base32(text: str) -> bytes:
    try:
        return base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        return b""


def _macs(purpose: str, parts: Sequence[str | int | bytes]) -> Iterator[bytes]:
    return (_mac(key, purpose, parts) for key in keyfile.load(settings.TISKI_KEY_FILE))


def _mac(key: keyfile.MasterKey, purpose: str, parts: Sequence[str | int | bytes]) -> bytes:
    """Each part goes in with its length, so that ("ab", "c") and ("a", "bc") differ."""
    signer = hmac.new(keyfile.derive(key, purpose), digestmod=hashlib.sha256)
    for part in parts:
        raw = part if isinstance(part, bytes) else str(part).encode()
        signer.update(struct.pack(">Q", len(raw)))
        signer.update(raw)
    return signer.digest()[:MAC_BYTES]
