"""An agent at their desk, without a browser: signed in over HTTP, pressing the same forms."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from types import TracebackType
from uuid import uuid4

import httpx

from tiski.testing.ports import wait_until

DEMO_SHOP = "teepuoti"


class Desk:
    """A signed-in session in one shop of a running Tiski."""

    def __init__(
        self,
        address: str,
        *,
        email: str,
        password: str,
        shop: str = DEMO_SHOP,
        trust: ssl.SSLContext | bool = True,
        seconds: float = 20.0,
    ) -> None:
        """`seconds` is how long each answer is waited for."""
        self.shop = shop
        self._client = httpx.Client(
            base_url=address, follow_redirects=True, timeout=seconds, trust_env=False, verify=trust
        )
        self._sign_in(email, password)

    def __enter__(self) -> Desk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str) -> httpx.Response:
        """A page of the shop; `path` is what follows its key."""
        response = self._client.get(f"/{self.shop}/{path}")
        response.raise_for_status()
        return response

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form; refusals are returned, not raised."""
        return self._client.post(f"/{self.shop}/{path}", data=fields, headers=self._headers())

    def reply(self, conversation: int, text: str, *, seen: int = 10_000) -> httpx.Response:
        """Answer the customer."""
        fields = {"mode": "reply", "body": text, "client_id": str(uuid4()), "seen_seq": str(seen)}
        response = self.post(f"conversations/{conversation}/sending/", **fields)
        response.raise_for_status()
        return response

    def conversations(self, view: str = "open") -> list[int]:
        """Ids of the conversations in a view, newest first."""
        return [
            int(number) for number in re.findall(r'<li [^>]*id="conversation-(\d+)"', self.get(f"inbox/{view}/").text)
        ]

    def thread(self, conversation: int) -> str:
        """The entries of a conversation as HTML."""
        return self.get(f"conversations/{conversation}/messages/").text

    def wait_for_conversation(self, known: list[int], *, seconds: float = 20.0) -> int:
        """The id of the first conversation that is not among the known ones."""
        wait_until(lambda: set(self.conversations()) - set(known), "a new conversation", seconds=seconds)
        return max(set(self.conversations()) - set(known))

    def _sign_in(self, email: str, password: str) -> None:
        self._client.get("/sign-in/").raise_for_status()
        fields = {"login": email, "password": password}
        response = self._client.post("/sign-in/", data=fields, headers=self._headers())
        response.raise_for_status()
        if "/sign-in/" in str(response.url):
            raise AssertionError("signing in did not work")

    def _headers(self) -> dict[str, str]:
        token = next(value for name, value in self._client.cookies.items() if name.endswith("csrf"))
        return {"X-CSRFToken": token, "Origin": str(self._client.base_url).rstrip("/")}


def demo_password(data: Path) -> str:
    """The password of the demo shop's people, as the first run printed it."""
    return (data / "demo-sign-in.txt").read_text().split()[1]
