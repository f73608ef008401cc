"""A running Tiski with two shops, and who stands at its doors: colleagues with cookies, visitors with a token."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tiski.testing.desk import demo_password
from tiski.testing.ports import wait_until
from tiski.testing.premises import Premises

ROOT = Path(__file__).parents[2]
PROXY = "127.0.0.9"
"""The one address of this machine whose forwarded headers count."""
SHOP = "teepuoti"


class Instance:
    """`tiski up` behind a declared proxy, with Teepuoti (the demo shop) and Kahvila, and a clerk to ask."""

    def __init__(self, premises: Premises) -> None:
        self.process = premises.product(environment={"TISKI_TRUSTED_PROXIES": PROXY, "TISKI_LOG_LEVEL": "INFO"})
        self._database_url = premises.database_url
        self._clerk: subprocess.Popen[str] | None = None
        self.stack = ExitStack()
        self.kahvila: dict[str, Any] = {}

    def __enter__(self) -> Instance:
        self.process.start()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TISKI_", "DJANGO_"))}
        settings = {
            "TISKI_DATA": str(self.process.data),
            "TISKI_BASE_URL": self.address,
            "TISKI_DATABASE_URL": self._database_url,
            "DJANGO_SETTINGS_MODULE": "tiski.config.settings",
        }
        self._clerk = subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.clerk"],
            cwd=ROOT, env=kept | settings, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.kahvila = self.ask("open_kahvila", self.password)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.close()
        if self._clerk is not None:
            self._clerk.communicate(timeout=20)
        self.process.kill()

    @property
    def address(self) -> str:
        """Where it is reached."""
        return self.process.address

    @property
    def password(self) -> str:
        """The password of everybody in this instance."""
        return demo_password(self.process.data)

    def ask(self, verb: str, *arguments: object) -> Any:
        """Have the clerk do something; see `clerk.py`."""
        if self._clerk is None or self._clerk.stdin is None or self._clerk.stdout is None:
            raise RuntimeError("The instance is not open.")
        self._clerk.stdin.write(json.dumps([verb, *arguments]) + "\n")
        self._clerk.stdin.flush()
        answer = json.loads(self._clerk.stdout.readline() or '{"error": "the clerk is gone"}')
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["ok"]

    def admit(self, origin: str) -> None:
        """Register an origin for Teepuoti's widget, and wait until the live half has forgotten the older list."""
        self.ask("admit", origin)
        wait_until(lambda: self._knows(origin), f"pages of {origin} may open the chat", seconds=30, pause=0.5)

    def _knows(self, origin: str) -> bool:
        asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        address = f"{self.address}/w/{SHOP}/messages/"
        return httpx.options(address, headers=asked, timeout=20, trust_env=False).status_code == 204

    def browser(self, *, through: str = "", **headers: str) -> httpx.Client:
        """A client that follows nothing; `through` is the address it calls from, such as the proxy's."""
        transport = httpx.HTTPTransport(local_address=through or None)
        client = httpx.Client(base_url=self.address, transport=transport, headers=headers, timeout=30, trust_env=False)
        self.stack.callback(client.close)
        return client

    def hire(self, name: str, role: str = "agent") -> Colleague:
        """A new colleague in Teepuoti, signed in."""
        return Colleague(self, self.ask("hire", name, role, self.password))

    def socket(self, path: str, *, origin: str | None = "", through: str = "", **headers: str) -> ClientConnection:
        """A socket that has said nothing yet; without an origin given, it comes from our own pages."""
        sender = None if origin is None else Origin(origin or self.address)
        options: dict[str, Any] = {"source_address": (through, 0)} if through else {}
        options |= {"proxy": None, "compression": None, "open_timeout": 20, "close_timeout": 2}
        address = f"ws://localhost:{self.process.port}{path}"
        opening: ClientConnection = connect(address, origin=sender, additional_headers=headers, **options)
        return self.stack.enter_context(opening)


class Colleague:
    """Someone with a browser, signed in by password as people do."""

    def __init__(self, instance: Instance, email: str) -> None:
        self.instance, self.email = instance, email
        self.http = instance.browser(**{"Sec-Fetch-Site": "same-origin"})
        self.http.get("/sign-in/").raise_for_status()
        answer = self.post("/sign-in/", login=email, password=instance.password)
        assert answer.status_code == 302, answer.text

    @property
    def csrf(self) -> str:
        """The token of our own pages."""
        return self.http.cookies["tiski_csrf"]

    @property
    def cookies(self) -> str:
        """The cookies as a browser sends them."""
        return "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of ours."""
        headers = {"X-CSRFToken": self.csrf, "Origin": self.instance.address}
        return self.http.post(path, data=fields, headers=headers)

    def line(self, shop: str = SHOP, *, origin: str | None = "", **headers: str) -> ClientConnection:
        """A socket of the console, before its hello."""
        return self.instance.socket(f"/{shop}/live/", origin=origin, Cookie=self.cookies, **headers)

    def enter(self, *topics: str, shop: str = SHOP) -> ClientConnection:
        """A socket that has been let in and watches these topics."""
        line = self.line(shop)
        say(line, t="hello", csrf=self.csrf, after=None, topics=list(topics))
        hear(line, "ready")
        return line

    def is_out(self) -> bool:
        """Whether the login opens nothing any more."""
        return self.http.get("/account/").status_code == 302


class Visitor:
    """A shopper's browser: the token it made and the uuid of its conversation."""

    def __init__(
        self, instance: Instance, *, key: str = SHOP, from_address: str = "", http: httpx.Client | None = None
    ) -> None:
        """`http` is a client that several visitors share."""
        self.instance, self.key = instance, key
        self.token = secrets.token_urlsafe(32)
        self.conversation = str(uuid4())
        self.through = PROXY if from_address else ""
        self.forwarded = {"X-Forwarded-For": from_address} if from_address else {}
        self.http = http or instance.browser(through=self.through, **self.forwarded)

    @property
    def headers(self) -> dict[str, str]:
        """What the widget sends with a request."""
        return {"Authorization": f"Bearer {self.token}", "Origin": self.instance.address}

    def frame(self, body: str, **changes: Any) -> dict[str, Any]:
        """A message as the widget sends it."""
        frame = {"t": "message", "client_id": str(uuid4()), "conversation": self.conversation, "body": body}
        return frame | {"page": "https://teepuoti.example/sencha", "lang": "fi", "files": []} | changes

    def say(self, body: str, **changes: Any) -> httpx.Response:
        """Send a message by POST."""
        return self.http.post(f"/w/{self.key}/messages/", json=self.frame(body, **changes), headers=self.headers)

    def read(self, **query: str) -> httpx.Response:
        """Read a conversation, one's own unless told."""
        asked = {"conversation": self.conversation} | query
        return self.http.get(f"/w/{self.key}/messages/", params=asked, headers=self.headers)

    def upload(self, content: bytes, name: str = "kuitti.txt", **headers: str) -> httpx.Response:
        """Send a file."""
        return self.http.post(f"/w/{self.key}/files/", files={"file": (name, content)}, headers=self.headers | headers)

    def line(self, *, origin: str | None = "") -> ClientConnection:
        """A socket of the widget, before its hello."""
        return self.instance.socket(f"/w/{self.key}/live", origin=origin, through=self.through, **self.forwarded)

    def enter(self) -> ClientConnection:
        """A socket that has been let in."""
        line = self.line()
        say(line, t="hello", token=self.token, conversation=self.conversation, after=0)
        hear(line, "ready")
        return line


def say(line: ClientConnection, **frame: Any) -> None:
    """Send a frame."""
    line.send(json.dumps(frame))


def hear(line: ClientConnection, kind: str, *, seconds: float = 20.0) -> dict[str, Any]:
    """The next frame of a kind."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        frame: dict[str, Any] = json.loads(line.recv(timeout=left))
        if frame["t"] == kind:
            return frame
    raise TimeoutError(f"no {kind} within {seconds:g} s")


def ending(line: ClientConnection, *, seconds: float = 20.0) -> tuple[int, float]:
    """The code with which the other side closes, whatever comes before, and after how many seconds."""
    began = time.monotonic()
    try:
        while True:
            line.recv(timeout=max(0.01, began + seconds - time.monotonic()))
    except ConnectionClosed as end:
        return (end.rcvd.code if end.rcvd else 1006), time.monotonic() - began
