"""Canary secrets planted wherever one is typed, then looked for wherever anyone could look (A60)."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import httpx
import pytest

from tiski.testing.desk import Desk, demo_password
from tiski.testing.needs import program
from tiski.testing.premises import Premises
from tiski.testing.tiski_process import TiskiProcess

from .instance import Instance, Visitor

pytestmark = [pytest.mark.both, pytest.mark.timeout(240)]

NOOR = "noor@teepuoti.example"
SEAL = "kanarialintu"
"""In every canary that we may choose ourselves."""
TYPED = {
    "IMAP password": f"{SEAL}-imap-4711",
    "SMTP password": f"{SEAL}-smtp-4712",
    "password of the instance of mail": f"{SEAL}-smtp-url-4713",
    "token of the metrics": f"{SEAL}-metrics-4714-padded-to-be-long-enough",
    "new password of an agent": f"{SEAL}-uusi-salasana-4715",
    "password typed wrong": f"{SEAL}-vanha-salasana-4716",
    "password typed as a name": f"{SEAL}-nimen-paikalla-4717",
    "bearer token for nothing": f"{SEAL}-bearer-4718",
    "cookie for nothing": f"{SEAL}-cookie-4719",
}
PAGES = [
    "/teepuoti/inbox/open/", "/teepuoti/settings/mailbox/", "/teepuoti/settings/people/", "/teepuoti/settings/shop/",
    "/teepuoti/settings/widget/", "/account/", "/account/sessions/", "/password/change/", "/demo/", "/chat/teepuoti/",
    "/w/config/teepuoti.json?lang=fi", "/livez", "/readyz", "/metrics", "/nothing/here/", "/kahvila/inbox/open/",
]  # fmt: skip


class Planted:
    """An instance in which every kind of secret was used, and what anyone could get hold of afterwards."""

    def __init__(self, process: TiskiProcess, database_url: str) -> None:
        self.process = process
        self.database_url = database_url
        self.secrets = dict(TYPED)
        self.pages: dict[str, str] = {}

    def plant(self) -> None:
        """Use each secret once, as people do."""
        process, secrets = self.process, self.secrets
        with Desk(process.address, email=NOOR, password=demo_password(process.data)) as desk:
            connected = desk.post("settings/mailbox/new/", **_mailbox())
            assert connected.status_code == 200, connected.text[:2000]
            noor = desk._client
            secrets["session of a browser"] = noor.cookies["tiski_session"]
            self._type_wrongly()
            self.pages |= {path: noor.get(path, headers=self._odd_headers()).text for path in PAGES}
            self.pages["mailbox"] = noor.get(connected.url.path).text
            self.pages["refused form"] = desk.post("settings/mailbox/new/", **_mailbox(imap_port="70000")).text
            changed = {"oldpassword": demo_password(process.data)}
            new = dict.fromkeys(("password1", "password2"), secrets["new password of an agent"])
            self.pages["change"] = noor.post("/password/change/", data=changed | new, headers=desk._headers()).text
            secrets["session after the change"] = noor.cookies["tiski_session"]
        visitor = Visitor(cast("Instance", _Where(process)))  # an address is all it asks for
        assert visitor.say("Hei, onko senchaa?").status_code == 200
        self.pages["widget"] = visitor.read().text
        secrets["token of a visitor"] = visitor.token
        secrets["master key"] = (process.data / "secret.key").read_text().split()[0].rpartition(":")[2]

    def dump(self) -> bytes:
        """Everything the database holds, as a thief would read it."""
        if self.database_url:
            command = [str(program("pg_dump")), "--inserts", self.database_url]
            return subprocess.run(command, capture_output=True, check=True, timeout=100).stdout
        return b"".join(path.read_bytes() for path in sorted(self.process.data.glob("tiski.sqlite3*")))

    def backup(self, target: Path) -> bytes:
        """The archive that `tiski backup` writes."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TISKI_", "DJANGO_"))}
        settings = {
            "TISKI_DATA": str(self.process.data), "TISKI_DATABASE_URL": self.database_url,
            "TISKI_BASE_URL": self.process.address,
        }  # fmt: skip
        command = [sys.executable, "-m", "tiski.config.cli", "backup", str(target)]
        done = subprocess.run(command, env=kept | settings, capture_output=True, check=False, text=True, timeout=150)
        assert target.exists(), done.stderr
        return target.read_bytes() + done.stdout.encode() + done.stderr.encode()

    def _type_wrongly(self) -> None:
        with httpx.Client(base_url=self.process.address, trust_env=False, timeout=30) as stranger:
            stranger.get("/sign-in/")
            headers = {"X-CSRFToken": stranger.cookies["tiski_csrf"], "Origin": self.process.address}
            for login, word in ((NOOR, "password typed wrong"), (self.secrets["password typed as a name"], "")):
                fields = {"login": login, "password": self.secrets.get(word, "x")}
                self.pages[f"sign-in {word}"] = stranger.post("/sign-in/", data=fields, headers=headers).text

    def _odd_headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secrets['bearer token for nothing']}",
                "X-Cookie": self.secrets["cookie for nothing"]}  # fmt: skip


class _Where:
    """An instance's address, and how to reach it."""

    def __init__(self, process: TiskiProcess) -> None:
        self.address = process.address

    def browser(self, *, through: str = "", **headers: str) -> httpx.Client:
        """A client of one's own."""
        return httpx.Client(base_url=self.address, headers=headers, trust_env=False, timeout=30)


def _mailbox(**changes: str) -> dict[str, str]:
    return {
        "address": "info@teepuoti.example", "imap_host": "127.0.0.1", "imap_port": "993", "imap_security": "tls",
        "imap_user": "info@teepuoti.example", "imap_password": TYPED["IMAP password"], "folder": "INBOX",
        "backfill": "now", "smtp_host": "127.0.0.1", "smtp_port": "465", "smtp_security": "tls",
        "smtp_user": "info@teepuoti.example", "smtp_password": TYPED["SMTP password"],
    } | changes  # fmt: skip


@pytest.fixture(scope="module")
def planted(shop_of_module: Premises) -> Iterator[Planted]:
    """The instance with its canaries."""
    settings = {
        "TISKI_SMTP_URL": f"smtp://info:{TYPED['password of the instance of mail']}@127.0.0.1:2525",
        "TISKI_METRICS_TOKEN": TYPED["token of the metrics"],
        "TISKI_LOG_LEVEL": "DEBUG",
    }
    with shop_of_module.product(environment=settings) as process:
        found = Planted(process, shop_of_module.database_url)
        found.plant()
        yield found


def forms(secret: str) -> list[bytes]:
    """The secret as it is, and as it would be hidden from a hasty look."""
    raw = secret.encode()
    return [raw, base64.b64encode(raw).rstrip(b"="), raw.hex().encode(), raw[::-1]]


def leaks(planted: Planted, text: bytes) -> list[str]:
    """Which secrets stand in a text."""
    return [name for name, secret in planted.secrets.items() if any(form in text for form in forms(secret))]


def test_a60_twelve_secrets_were_planted_and_would_be_seen(planted: Planted) -> None:
    assert len(planted.secrets) >= 12
    assert all(len(secret) >= 16 for secret in planted.secrets.values())
    for name, secret in planted.secrets.items():
        assert leaks(planted, b"... " + secret.encode() + b" ...") == [name]
        assert leaks(planted, b"... " + base64.b64encode(secret.encode()) + b" ...") == [name]


def test_a60_the_database_holds_none_in_clear(planted: Planted) -> None:
    dump = planted.dump()
    assert b"teepuoti" in dump
    assert leaks(planted, dump) == []


def test_a60_the_log_holds_none(planted: Planted) -> None:
    log = planted.process.log()
    assert len(log) > 500
    assert leaks(planted, log.encode()) == []


def test_a60_no_page_probe_or_figure_shows_one(planted: Planted) -> None:
    assert "info@teepuoti.example" in planted.pages["mailbox"]
    shown = {path: leaks(planted, text.encode()) for path, text in planted.pages.items()}
    # The name that was typed is shown again to whoever typed it, and to nobody else.
    assert {path: found for path, found in shown.items() if found} in (
        {}, {"sign-in ": ["password typed as a name"]},
    )  # fmt: skip


def test_a60_the_backup_holds_none_and_not_the_key(planted: Planted, tmp_path: Path) -> None:
    archive = planted.backup(tmp_path / "varmuuskopio.tar")
    assert len(archive) > 10_000
    assert b"secret.key" not in archive.replace(b"secret.key elsewhere", b"")
    assert leaks(planted, archive) == []


def test_a60_files_beside_the_database_hold_none_but_the_key_file_itself(planted: Planted) -> None:
    beside = [
        path for path in planted.process.data.rglob("*")
        if path.is_file() and path.name not in {"secret.key", "demo-sign-in.txt"}
    ]  # fmt: skip
    assert leaks(planted, b"".join(path.read_bytes() for path in beside)) == []
    for name in ("secret.key", "demo-sign-in.txt"):
        file = planted.process.data / name
        assert not file.exists() or file.stat().st_mode & 0o077 == 0
