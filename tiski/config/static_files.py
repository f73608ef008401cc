"""Static files over ASGI: public, immutable under the tree's hash, compressed once."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

from tiski.kernel.live.gate import Call, Turned
from tiski.kernel.live.responding import turn_away
from tiski.ui import statics

IMMUTABLE = "public, max-age=31536000, immutable"
SHORT = "public, max-age=60"
COMPRESSED = (".css", ".html", ".js", ".json", ".svg", ".txt", ".webmanifest")
SMALLEST = 600


async def answer(call: Call) -> None:
    """Send a file of the tree; an unknown name is 404, another method 405."""
    scope = call.scope
    if scope["method"] not in {"GET", "HEAD"}:
        await turn_away(call, Turned(405, "Static files are only read."))
        return
    file = statics.resolve(scope["path"])
    if file is None:
        await turn_away(call, Turned(404, "There is no such file."))
        return
    accepts = next((value for name, value in scope["headers"] if name == b"accept-encoding"), b"")
    body, encoding = _content(file, statics.tree_hash(), b"gzip" in accepts)
    headers = {
        "content-type": statics.content_type(file),
        "content-length": str(len(body)),
        "cache-control": IMMUTABLE if statics.is_current(scope["path"]) else SHORT,
        "x-content-type-options": "nosniff",
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "vary": "accept-encoding",
        **({"content-encoding": encoding} if encoding else {}),
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await call.send({"type": "http.response.start", "status": 200, "headers": raw})
    await call.send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


@lru_cache(maxsize=2000)
def _content(file: Path, _tree: str, compress: bool) -> tuple[bytes, str]:
    body = file.read_bytes()
    if not compress or file.suffix not in COMPRESSED or len(body) < SMALLEST:
        return body, ""
    return gzip.compress(body, 9, mtime=0), "gzip"
