"""Identifiers that leave the house: UUIDv7 for programs, short keys for people."""

import secrets
import uuid

import uuid_utils.compat

# Crockford's base 32 in lower case: no i, l, o or u, so a key can be read aloud and never spells a word.
KEY_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def uuid7() -> uuid.UUID:
    """A new UUIDv7 (RFC 9562): random, and sorted by the time it was made."""
    return uuid_utils.compat.uuid7()


def key(length: int = 10) -> str:
    """A random code for people and addresses; each character carries five bits."""
    return "".join(KEY_ALPHABET[byte % 32] for byte in secrets.token_bytes(length))
