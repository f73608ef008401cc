"""Secrets at rest and in logs: encrypted in the database, shown nowhere.

    secret = EncryptedField(blank=True, default="")      # on a model; read and written as a plain string
    set_on(account, "secret")                            # when it was set, for "set on 3 May"; the value is never shown
    redact(text)                                         # for everything that is logged or shown after a failure

Settings read this package before models can be loaded, so nothing here imports a model at the top.
"""

from __future__ import annotations

from pathlib import Path

from tiski.kernel import keyfile
from tiski.kernel.keyfile import KeyFileProblem

from .envelope import SecretUnreadable, open_, rewrap, seal, unreadable_keys
from .field import EncryptedField, set_on
from .redaction import redact, remember

__all__ = [
    "EncryptedField",
    "KeyFileProblem",
    "SecretUnreadable",
    "master_key_text",
    "older_master_key_texts",
    "open_",
    "redact",
    "remember",
    "rewrap",
    "rotate",
    "seal",
    "set_on",
    "unreadable_keys",
]


def master_key_text(path: Path) -> str:
    """Django's `SECRET_KEY`, derived from the master key; makes the key file on first use."""
    return keyfile.text(path)


def older_master_key_texts(path: Path) -> list[str]:
    """Django's `SECRET_KEY_FALLBACKS`: what older master keys still stand for."""
    return keyfile.older_texts(path)


def rotate(path: Path) -> int:
    """Make a new master key and wrap every shop's data key with it; returns how many. Running processes go on."""
    keyfile.add(path)
    return rewrap()
