"""The master key: one small file outside the database, from which every other key is derived.

The file holds one key per line, the newest first; older ones stay readable until nothing is encrypted with them.
`TISKI_SECRET_KEY`, or the file named by `TISKI_SECRET_KEY_FILE`, takes its place where a platform hands out secrets.
Read before Django is set up, so nothing here imports it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SHORTEST = 32


class KeyFileProblem(Exception):
    """The master key cannot be read or made; the sentence names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One key with its public name. Never logged, never stored in the database."""

    id: str
    material: bytes

    def __repr__(self) -> str:
        return f"MasterKey({self.id})"


@lru_cache(maxsize=8)
def load(path: Path) -> tuple[MasterKey, ...]:
    """The master keys, the one in use first; makes the file when there is none."""
    lines = _given(os.environ)
    if lines is None:
        lines = _read(path) if path.exists() else _make(path)
    keys = tuple(_key(line) for line in lines)
    if not keys:
        raise KeyFileProblem(f"{path} holds no key. Put it back from your backup, or remove it to have one made.")
    return keys


def text(path: Path) -> str:
    """A string derived from the key in use, for Django's `SECRET_KEY`."""
    return base64.urlsafe_b64encode(derive(load(path)[0], "django")).decode()


def older_texts(path: Path) -> list[str]:
    """The same for older keys, for `SECRET_KEY_FALLBACKS`."""
    return [base64.urlsafe_b64encode(derive(key, "django")).decode() for key in load(path)[1:]]


@lru_cache(maxsize=256)
def derive(key: MasterKey, purpose: str, length: int = 32) -> bytes:
    """A key for one purpose alone (HKDF with SHA-256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=f"tiski/{purpose}".encode()).derive(key.material)


def add(path: Path) -> MasterKey:
    """Put a new key first in the file; what older keys encrypted stays readable."""
    if _given(os.environ) is not None:
        raise KeyFileProblem("The master key comes from TISKI_SECRET_KEY; put the new key on its first line by hand.")
    line = _new_line()
    _write(path, [line, *_read(path)])
    load.cache_clear()
    return _key(line)


def adopt(path: Path, source: Path) -> None:
    """Use the keys of another file here, where there is none yet. Raises `KeyFileProblem` when it holds none."""
    lines = _read(source)
    for line in lines:
        _key(line)
    if not lines:
        raise KeyFileProblem(f"{source} holds no key. Name the key file that was backed up.")
    _write(path, lines)
    load.cache_clear()


def is_given() -> bool:
    """Whether the key comes from the environment, so that no file is needed."""
    return _given(os.environ) is not None


def problem_with_mode(path: Path) -> str | None:
    """What is wrong with the file's permissions, or None."""
    if _given(os.environ) is not None or not path.exists():
        return None
    mode = path.stat().st_mode & 0o777
    return None if mode & 0o077 == 0 else f"{mode:04o}"


def _given(environment: Mapping[str, str]) -> list[str] | None:
    """The lines from the environment, or None when the key file is used."""
    if environment.get("TISKI_SECRET_KEY"):
        return environment["TISKI_SECRET_KEY"].split()
    if environment.get("TISKI_SECRET_KEY_FILE"):
        return _read(Path(environment["TISKI_SECRET_KEY_FILE"]))
    return None


def _read(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except OSError as error:
        raise KeyFileProblem(f"{path} cannot be read: {error.strerror}. Correct its owner and mode.") from error
    except UnicodeDecodeError as error:
        raise KeyFileProblem(f"{path} is not a key file. Put back the file from your backup.") from error


def _make(path: Path) -> list[str]:
    """Two processes may start at once: the file of the first one counts for both."""
    lines = [_new_line()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        _write(fresh, lines)
        try:
            os.link(fresh, path)
        except FileExistsError:
            return _read(path)
        finally:
            fresh.unlink()
    except OSError as error:
        raise KeyFileProblem(f"{path} cannot be made: {error.strerror}. Make the folder writable.") from error
    return lines


def _write(path: Path, lines: list[str]) -> None:
    """All or nothing: the key file is never half a file, whatever happens."""
    half = path.with_name(f"{path.name}.half")
    with contextlib.suppress(FileNotFoundError):
        half.unlink()
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _new_line() -> str:
    return secrets.token_urlsafe(48)


def _key(line: str) -> MasterKey:
    if len(line) < SHORTEST or len(set(line)) < 12:
        raise KeyFileProblem(
            f"The secret key is too short or too simple; it needs {SHORTEST} random characters. "
            "Leave TISKI_SECRET_KEY out to have one made."
        )
    material = hashlib.sha256(b"tiski master key\0" + line.encode()).digest()
    return MasterKey(id=hashlib.sha256(b"tiski key id\0" + material).hexdigest()[:12], material=material)
