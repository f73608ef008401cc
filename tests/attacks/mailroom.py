"""Mail for a running instance, laid into its ledger by a process of its own as a mailbox reader would.

`deliver(process, [raw, ...])` returns, in order, what the instance's worker made of each.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tiski.testing.tiski_process import TiskiProcess

ROOT = Path(__file__).parents[2]
SETTLED_WITHIN = 90.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mail."""

    raw: int
    state: str
    reason: str
    conversation: int | None


def deliver(process: TiskiProcess, mails: list[bytes], *, database_url: str = "") -> list[Verdict]:
    """Lay the mails in and wait until the worker has judged every one of them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TISKI_", "DJANGO_"))}
    settings = {
        "TISKI_DATA": str(process.data),
        "TISKI_BASE_URL": process.address,
        "TISKI_DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "tiski.config.settings",
    }
    lines = "".join(base64.b64encode(raw).decode() + "\n" for raw in mails)
    done = subprocess.run(
        [sys.executable, "-m", "tests.attacks.mailroom"],
        cwd=ROOT, env=kept | settings, input=lines, capture_output=True, text=True, check=False, timeout=150,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return [Verdict(*row) for row in json.loads(done.stdout)]


def letter(
    html: str, *, subject: str = "Kirje", message_id: str = "", in_reply_to: str = "", name: str = "Ada"
) -> bytes:
    """An HTML mail of Ada Virtanen's, its body exactly as given."""
    fields = [
        f"From: {name} <ada.virtanen@example.fi>",
        "To: asiakaspalvelu@teepuoti.example",
        f"Subject: {subject}",
        f"Message-ID: {message_id or f'<{time.time_ns()}@example.fi>'}",
        *([f"In-Reply-To: {in_reply_to}"] if in_reply_to else []),
        "MIME-Version: 1.0",
        "Content-Type: text/html; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
    ]
    return "\r\n".join([*fields, "", html, ""]).encode()


def _main() -> None:
    import django

    django.setup()
    from tiski.channels.email.parsing.dedupe import dedupe_key
    from tiski.conversations import actions as conversations
    from tiski.conversations.models import ChannelAccount, InboundRaw
    from tiski.kernel.scope import shop_scope

    account = ChannelAccount.unscoped.get(kind="email", shop__key="teepuoti")
    numbers = []
    with shop_scope(account.shop_id):
        for line in sys.stdin:
            raw = base64.b64decode(line)
            numbers.append(conversations.store_raw(account, raw=raw, dedupe_key=dedupe_key(raw)).id)
    end = time.monotonic() + SETTLED_WITHIN
    waiting = InboundRaw.unscoped.filter(id__in=numbers, state="received")
    while waiting.exists() and time.monotonic() < end:
        time.sleep(0.1)
    rows = InboundRaw.unscoped.filter(id__in=numbers).order_by("id")
    sys.stdout.write(json.dumps(list(rows.values_list("id", "state", "reason", "conversation_id"))))


if __name__ == "__main__":
    _main()
