"""Static files of every package under one address that changes with their content: `/static/<hash of the tree>/…`.

The hash makes each answer immutable, and relative imports of modules stay inside one version. Only files that are in
the tree when it is read can be asked for: an address is looked up, never turned into a path.
"""

import hashlib
import time
from functools import cache, lru_cache
from pathlib import Path

from django.conf import settings

PREFIX = "/static/"
_HASH_LENGTH = 12
_PACKAGE = Path(__file__).resolve().parent.parent
_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".toml": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


def static(path: str) -> str:
    """The address of a static file, `ui/console.js`; an unknown one is a mistake in the template."""
    if path not in files():
        raise FileNotFoundError(f"No package has a static file {path!r}.")
    return f"{PREFIX}{tree_hash()}/{path}"


def resolve(path: str) -> Path | None:
    """The file behind an address, with or without the leading `/static/`; None when there is none.

    Any hash finds the file, so that a page opened before an update can still load what it needs late; only the
    current one may be cached for good (`is_current`).
    """
    _, _, name = path.removeprefix(PREFIX).partition("/")
    return files().get(name)


def is_current(path: str) -> bool:
    """Whether the address carries today's hash, so that the answer never changes."""
    return path.removeprefix(PREFIX).partition("/")[0] == tree_hash()


def content_type(path: Path | str) -> str:
    """The type sent with a file; an ending that is not listed is sent as plain bytes."""
    return _CONTENT_TYPES.get(Path(path).suffix, "application/octet-stream")


def files() -> dict[str, Path]:
    """Every static file of every package by its name, `ui/css/row.css`."""
    return _read_tree(_signature())[0]


def tree_hash() -> str:
    """Twelve hexadecimal digits over all names and contents."""
    return _read_tree(_signature())[1]


def _signature() -> int:
    """Changes within a second after a file does, while developing; in production the tree is read once."""
    return _times(int(time.monotonic())) if settings.DEBUG else 0


@lru_cache(maxsize=1)
def _times(_second: int) -> int:
    return hash(tuple((str(file), file.stat().st_mtime_ns) for _, file in _walk()))


@cache
def _read_tree(_signature: int) -> tuple[dict[str, Path], str]:
    found = dict(_walk())
    digest = hashlib.sha256()
    for name, file in sorted(found.items()):
        content = file.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return found, digest.hexdigest()[:_HASH_LENGTH]


def _walk() -> list[tuple[str, Path]]:
    folders = [*_PACKAGE.glob("*/static"), *_PACKAGE.glob("*/*/static")]
    return [
        (file.relative_to(folder).as_posix(), file)
        for folder in sorted(folders)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.name.startswith(".")
    ]
