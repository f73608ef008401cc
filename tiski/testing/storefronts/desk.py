"""The desk behind the storefronts: a real `tiski up`, and somebody in it who answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from tiski.testing.tiski_process import TiskiProcess

ROOT = Path(__file__).parents[3]


class Desk:
    """`tiski up` with its demo shop; `answer` is Mia's, given in a process of its own as from another machine."""

    def __init__(self, data: Path, *, database_url: str = "") -> None:
        self.process = TiskiProcess(data, database_url=database_url)
        self._clerk: subprocess.Popen[str] | None = None

    def __enter__(self) -> Desk:
        self.process.start()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TISKI_", "DJANGO_"))}
        settings = {
            "TISKI_DATA": str(self.process.data),
            "TISKI_BASE_URL": self.process.address,
            "DJANGO_SETTINGS_MODULE": "tiski.config.settings",
        }
        self._clerk = subprocess.Popen(
            [sys.executable, "-m", "tiski.testing.storefronts.clerk"],
            cwd=ROOT, env=kept | settings, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.key: str = self._ask("widget")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._clerk is not None:
            self._clerk.communicate(timeout=10)
        self.process.kill()

    @property
    def address(self) -> str:
        """Where the desk is reached."""
        return self.process.address

    def admit(self, origin: str) -> None:
        """Register a shop's domain, so that its pages may open the chat."""
        self._ask("admit", origin)

    def answer(self, text: str) -> None:
        """Mia answers the conversation that was begun last."""
        self._ask("answer", text)

    def close(self) -> None:
        """Mia closes it."""
        self._ask("close")

    def said(self) -> list[list[str]]:
        """Who said what in the conversation that was begun last, in order."""
        lines: list[list[str]] = self._ask("said")
        return lines

    def _ask(self, *request: str) -> Any:
        if self._clerk is None or self._clerk.stdin is None or self._clerk.stdout is None:
            raise RuntimeError("The desk is not open.")
        self._clerk.stdin.write(json.dumps(request) + "\n")
        self._clerk.stdin.flush()
        answer = json.loads(self._clerk.stdout.readline() or '{"error": "the clerk is gone"}')
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["ok"]
