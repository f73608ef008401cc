"""The worker's small door: `/metrics`, `/livez` and `/readyz` of a process that serves nothing else."""

from __future__ import annotations

import logging
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.db import connection

from tiski.kernel import health
from tiski.kernel import metrics as measured

from . import metrics, server

SECONDS = 10.0
GIVEN = "TISKI_WORKER_DOOR"
"""Names the listening socket that `tiski up` hands to its worker."""

log = logging.getLogger(__name__)


def open_door(host: str, port: int) -> None:
    """Answer in a thread, on the socket this process was given or on a port of its own; on neither, do nothing."""
    given = os.environ.pop(GIVEN, "")
    if not given and not port:
        return
    listener = server.adopt(int(given)) if given else server.listen(host, port)
    door = _Door(listener.getsockname(), _Visit, bind_and_activate=False)
    door.socket.close()
    listener.setblocking(True)
    listener.listen(16)
    door.socket = listener
    threading.Thread(target=door.serve_forever, name="door", daemon=True).start()


class _Door(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.warning("a request to the worker broke off", extra={"client": str(client_address)})


class _Visit(BaseHTTPRequestHandler):
    timeout = SECONDS
    server_version, sys_version = "tiski", ""

    def do_GET(self) -> None:
        """One request."""
        path, _, query = self.path.partition("?")
        try:
            self._answer(*self._found(path, query))
        finally:
            connection.close()

    def log_message(self, *_args: Any) -> None:
        """Requests are not logged, as everywhere."""

    def _found(self, path: str, query: str) -> tuple[int, bytes]:
        if path == "/livez":
            return 200, b"ok\n"
        if path == "/readyz":
            complaints = health.complaints("worker")
            return (503, f"not ready: {', '.join(complaints)}\n".encode()) if complaints else (200, b"ok\n")
        headers = {name.lower(): value for name, value in self.headers.items()}
        if path == metrics.PATH and metrics.may_read(self.client_address[0], headers):
            return 200, measured.exposition("worker", shared=query != "own")
        return metrics.NOTHING.status, f"{metrics.NOTHING.sentence}\n".encode()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", measured.CONTENT_TYPE if status == 200 else "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.send_header("x-content-type-options", "nosniff")
        self.end_headers()
        self.wfile.write(body)
