"""People who only look: pages over HTTP, one after the other, and the chat by plain requests, with every failure told.

with PassersBy(cluster.address, trust=cluster.trust) as people: ...
assert people.failures == []
"""

from __future__ import annotations

import secrets
import ssl
import threading
import time
from types import TracebackType
from uuid import uuid4

import httpx

PAGES = ("/sign-in/", "/demo/", "/w/loader.js", "/w/config/teepuoti.json?lang=fi")
PAUSE = 0.1


class PassersBy:
    """One thread that asks for pages and posts messages; nobody retries what failed."""

    def __init__(self, address: str, *, trust: ssl.SSLContext | bool = True) -> None:
        self.failures: list[str] = []
        self.seconds: list[float] = []
        """How long each request took."""
        self.conversation = uuid4()
        self.acknowledged: dict[str, int] = {}
        """Client ids of the messages, and the seq each got."""
        self._token = secrets.token_urlsafe(32)
        self._client = httpx.Client(base_url=address, timeout=30, trust_env=False, verify=trust)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._walk, name="passers-by", daemon=True)

    def __enter__(self) -> PassersBy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(60)
        self._client.close()

    def _walk(self) -> None:
        while not self._stopping.wait(PAUSE):
            for page in PAGES:
                self._ask("GET", page)
            self._write()

    def _write(self) -> None:
        client_id = uuid4()
        frame = {
            "t": "message", "client_id": str(client_id), "conversation": str(self.conversation),
            "body": "Kuljen vain ohi.", "page": "/demo/", "lang": "fi", "files": [],
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {self._token}", "Origin": str(self._client.base_url).rstrip("/")}
        answer = self._ask("POST", "/w/teepuoti/messages/", json=frame, headers=headers)
        if answer is not None:
            self.acknowledged[client_id.hex] = answer.json()["seq"]

    def _ask(self, method: str, path: str, **content: object) -> httpx.Response | None:
        began = time.monotonic()
        try:
            answer = self._client.request(method, path, **content)  # type: ignore[arg-type]
        except httpx.HTTPError as error:
            self.failures.append(f"{method} {path}: {error!r}")
            return None
        self.seconds.append(time.monotonic() - began)
        if answer.status_code == 200:
            return answer
        self.failures.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        return None
