"""The storefronts on an origin of their own, with the headers each of them sends."""

from __future__ import annotations

import mimetypes
import threading
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

FOLDER = Path(__file__).parent / "pages"
PAGES = tuple(sorted(path.stem for path in FOLDER.glob("*.html")))
NONCE = "dGVlcHVvdGk"

POLICIES = {
    "strict": "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self'; base-uri 'none'; "
    "img-src 'self' {desk} data: blob:; connect-src {desk} {socket}; require-trusted-types-for 'script'",
    "no-sockets": "script-src 'self' {desk}; style-src 'self'; connect-src {desk}",
    "no-connections": "script-src 'self' {desk}; style-src 'self'; connect-src 'none'",
}
"""Content policies by page; the others send none."""


class Storefronts:
    """Serves the pages on 127.0.0.1, while the desk is reached as localhost: another site, as in real life."""

    def __init__(self, desk: str, key: str) -> None:
        self.desk, self.key = desk, key
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="storefronts")

    def __enter__(self) -> Storefronts:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def origin(self) -> str:
        """What the shop registers as its domain."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def address(self, page: str, **query: str) -> str:
        """The address of a page."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        return f"{self.origin}/{page}.html{'?' if asked else ''}{asked}"

    @cached_property
    def _handler(self) -> type[BaseHTTPRequestHandler]:
        shops = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shops._answer(self)

            def log_message(self, *args: Any) -> None:
                """Tests read the browser's log, not this one."""

        return Handler

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path = FOLDER / Path(request.path.partition("?")[0]).name
        if path.name == "favicon.ico":
            request.send_response(204)
            request.end_headers()
            return
        if not path.is_file():
            request.send_error(404)
            return
        body = self._filled(path.read_text(encoding="utf-8")).encode()
        request.send_response(200)
        request.send_header("Content-Type", mimetypes.guess_type(path.name)[0] or "text/plain")
        request.send_header("Content-Length", str(len(body)))
        if path.stem in POLICIES and path.suffix == ".html":
            request.send_header("Content-Security-Policy", self._filled(POLICIES[path.stem]))
        request.end_headers()
        request.wfile.write(body)

    def _filled(self, text: str) -> str:
        values = {"desk": self.desk, "socket": self.desk.replace("http", "ws", 1), "key": self.key, "nonce": NONCE}
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text
