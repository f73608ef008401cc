"""Mia at her desk without a screen, answering one conversation after the other, with a ledger like the visitors'.

with Clerk(shop, house.web, folder, conversations) as clerk: ...
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from uuid import UUID, uuid4

import httpx

from tiski.testing.desk import Desk, demo_password
from tiski.testing.ledger import Ledger
from tiski.testing.ports import TookTooLong, wait_until
from tiski.testing.premises import Premises

MIA = "mia@teepuoti.example"
RETRY_SECONDS = 0.3


class Clerk:
    """Answers in a thread of her own; what was not answered with the entry is sent again under the same client id."""

    def __init__(self, premises: Premises, address: str, folder: Path, conversations: Sequence[UUID]) -> None:
        self.ledger = Ledger(folder / f"clerk-{uuid4().hex[:8]}.jsonl")
        self.retries = 0
        self.last_good = 0.0
        """When the latest answer that was acknowledged had been meant (monotonic)."""
        self._desk = Desk(address, email=MIA, password=demo_password(premises.data))
        self._premises = premises
        self._wanted = {uuid.hex for uuid in conversations}
        self._ids: list[tuple[int, str]] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="clerk", daemon=True)
        self._failure: Exception | None = None

    def __enter__(self) -> Clerk:
        known = self._premises.rows("SELECT id, uuid FROM conversations_conversation")
        self._ids = [(number, UUID(str(uuid)).hex) for number, uuid in known if UUID(str(uuid)).hex in self._wanted]
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        if error is None:
            self.finish()
        self._desk.__exit__(None, None, None)
        self.ledger.close()

    def steady_since(self, moment: float, *, seconds: float = 60.0) -> float:
        """Wait until an answer meant after the moment is acknowledged; returns how many seconds that took."""
        left = seconds - (time.monotonic() - moment)
        wait_until(lambda: self._failure or self.last_good > moment, f"answers within {seconds:g} s", seconds=left)
        if self._failure:
            raise self._failure
        return time.monotonic() - moment

    def finish(self) -> None:
        """Stop once the answer in hand is acknowledged; raises `TookTooLong` when it never is."""
        self._stopping.set()
        self._thread.join(90)
        if self._failure:
            raise self._failure
        if self._thread.is_alive():
            raise TookTooLong("the answer in hand was not acknowledged within 90 s")

    def _work(self) -> None:
        try:
            while not self._stopping.wait(random.uniform(0.05, 0.15)):
                self._answer(*random.choice(self._ids))
        except Exception as failure:
            self._failure = failure
            raise

    def _answer(self, number: int, conversation: str) -> None:
        client_id = uuid4()
        body = "Kyllä on, kolmea laatua."
        self.ledger.note(t="intent", conversation=conversation, client_id=client_id.hex, body=body)
        meant = time.monotonic()
        fields = {"mode": "reply", "body": body, "client_id": str(client_id), "seen_seq": "1000000000"}
        while not self._is_taken(number, fields):
            self.retries += 1
            time.sleep(RETRY_SECONDS)
        self.ledger.note(t="ack", conversation=conversation, client_id=client_id.hex, seq=None)
        self.last_good = meant

    def _is_taken(self, number: int, fields: dict[str, str]) -> bool:
        try:
            response = self._desk.post(f"conversations/{number}/sending/", **fields)
        except httpx.TransportError:
            return False
        if response.status_code < 500 and not response.is_success:
            raise AssertionError(f"an answer was refused with {response.status_code}: {response.text[:500]}")
        return response.is_success and f"message-{fields['client_id']}" in response.text
