"""F06, F08: the disk of the database is full, the disk of the attachments is full or read-only."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tiski.testing.clerk import MIA
from tiski.testing.desk import Desk, demo_password
from tiski.testing.instances import Record
from tiski.testing.ledger import Conversation, Verdict, judge
from tiski.testing.ports import wait_until
from tiski.testing.premises import Premises
from tiski.testing.shoppers import Crowd, Visitor
from tiski.testing.tiski_process import TiskiProcess

pytestmark = [pytest.mark.timeout(240), pytest.mark.usefixtures("as_root")]

ROOT = Path(__file__).parents[2]
SIZE = 200_000_000
READ = """
import json, pathlib, sys
from tiski.testing.ledger import stored
found = stored(pathlib.Path(sys.argv[1]))
print(json.dumps({uuid: [each.last_seq, each.entries] for uuid, each in found.items()}))
"""
MOUNT = """
set -e
mkdir -p "$1"; mount -t tmpfs -o size={size} tmpfs "$1"
cp -a "$2/." "$1/"
shift 2
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Disk:
    """A small disk that only one process and its children see."""

    tiski: TiskiProcess
    folder: Path

    @property
    def inside(self) -> Path:
        """The folder as the process sees it."""
        return Path(f"/proc/{self.tiski.pid}/root{self.folder}")

    def fill(self) -> None:
        """Leave no byte free, whatever the product frees meanwhile."""
        with (self.inside / "ballast").open("ab") as ballast:
            while left := _free(self.inside):
                try:
                    os.posix_fallocate(ballast.fileno(), ballast.tell(), left)
                except OSError:
                    continue
                ballast.seek(0, os.SEEK_END)

    def make_room(self) -> None:
        """Take the ballast away."""
        (self.inside / "ballast").unlink()

    def judge(self, crowd: Crowd) -> Verdict:
        """The verdict over a database that lies on this disk; SQLite must open it by the name the product uses."""
        kept = json.loads(self._there(sys.executable, "-c", READ, str(self.folder)))
        database = {
            uuid: Conversation(last, [(seq, name) for seq, name in each]) for uuid, (last, each) in kept.items()
        }
        return judge(crowd.ledger.lines(), database, [visitor.rendered() for visitor in crowd.visitors])

    def remount(self, how: str) -> None:
        """Mount it anew, `ro` or `rw`."""
        self._there("mount", "-o", f"remount,{how}", str(self.folder))

    def _there(self, *command: str) -> str:
        there = ["nsenter", "-t", str(self.tiski.pid), "-m", "--wd=" + str(ROOT), *command]
        return subprocess.run(there, check=True, timeout=60, stdout=subprocess.PIPE, text=True).stdout


def on_a_disk(folder: Path, *, holding: Path) -> list[str]:
    """The command that gives a process a small disk of its own at the folder, with a copy of what it shall hold."""
    script = MOUNT.format(size=SIZE)
    return ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", str(folder), str(holding)]


def test_f06_a_full_disk_refuses_keeps_what_it_has_and_takes_messages_again(
    shop: Premises, tmp_path: Path, record: Record
) -> None:
    folder = tmp_path / "disk"
    tiski = Premises(folder).process("up", within=on_a_disk(folder, holding=shop.data))
    with tiski, Crowd(tiski.address, tmp_path, count=6, pause=0.05) as crowd:
        disk = Disk(tiski, folder)
        crowd.steady_since(crowd.now())
        with Desk(tiski.address, email=MIA, password=demo_password(disk.inside)) as desk:
            conversation = desk.conversations()[0]
            disk.fill()
            wait_until(lambda: _refusals(crowd)["full"], "a message refused for want of room", seconds=60)
            attempt, answered = _answer_until_refused(desk, conversation)
            assert (answered.status_code, answered.headers.get("Retry-After")) == (507, "30"), answered.text[:400]
            assert desk.get("inbox/open/").status_code == 200
            assert f"Hetki {attempt}!" not in desk.thread(conversation)
        wait_until(lambda: not tiski.is_ready(), "red, which is asked once a second", seconds=5)
        ready = httpx.get(f"{tiski.address}/readyz", trust_env=False, timeout=20)
        assert (ready.status_code, "disk" in ready.text) == (503, True)
        assert httpx.get(f"{tiski.address}/livez", trust_env=False, timeout=20).status_code == 200
        assert disk.judge(crowd).lost == []
        refused = _refusals(crowd)
        disk.make_room()
        seconds = crowd.steady_since(crowd.now())
        wait_until(tiski.is_ready, "green again", seconds=60)
        crowd.settle()
        verdict = disk.judge(crowd)
    record(lost=len(verdict.lost), acknowledged=crowd.acknowledged, refused=refused, recovery_seconds=round(seconds, 1))
    assert verdict == Verdict()
    assert set(refused) <= {"full", "not_stored"}


@pytest.mark.both
@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_f08_without_room_for_files_a_file_is_refused_whole_and_words_are_taken(
    shop: Premises, tmp_path: Path, record: Record, trouble: str
) -> None:
    shutil.copytree(shop.data / "blobs", tmp_path / "files")
    tiski = shop.process("up", within=on_a_disk(shop.data / "blobs", holding=tmp_path / "files"))
    with tiski, Crowd(tiski.address, tmp_path, count=2, talking=False) as crowd:
        disk = Disk(tiski, shop.data / "blobs")
        ada = crowd.visitors[0]
        crowd.wait_until_open()
        kept = upload(tiski, ada)
        assert kept.status_code == 200
        disk.fill() if trouble == "full" else disk.remount("ro")
        refused = upload(tiski, ada)
        assert refused.status_code == (507 if trouble == "full" else 503)
        assert refused.json()["t"] == "refused"
        assert say(crowd, ada, "Pelkät sanat.") == 1
        assert say(crowd, ada, "Kuva liitteenä.", files=[kept.json()["id"]]) == 2
        assert say(crowd, ada, "Kuva, jota ei ole.", files=[uuid4().hex]) is None
        disk.make_room() if trouble == "full" else disk.remount("rw")
        again = upload(tiski, ada)
        assert again.status_code == 200
        assert say(crowd, ada, "Nyt kuva.", files=[again.json()["id"]]) == 3
        assert crowd.judge(shop.data, shop.database_url) == Verdict()
        blobs = [blob for (blob,) in shop.rows("SELECT id FROM kernel_blob")]
        assert [blob for blob in blobs if not (disk.inside / blob[:2] / blob).exists()] == []
        attached = shop.rows("SELECT blob_id FROM conversations_attachment WHERE message_id IS NOT NULL")
        assert {blob for (blob,) in attached} == {kept.json()["id"], again.json()["id"]}
    record(trouble=trouble, dangling_rows=0)


def upload(tiski: TiskiProcess, visitor: Visitor) -> httpx.Response:
    """Send a file as the widget does."""
    return httpx.post(
        f"{tiski.address}/w/teepuoti/files/",
        files={"file": ("lasku.pdf", b"%PDF-1.4\n" + secrets.token_bytes(100_000), "application/pdf")},
        headers={"Authorization": f"Bearer {visitor.token}", "Origin": tiski.address},
        trust_env=False,
        timeout=30,
    )


def say(crowd: Crowd, visitor: Visitor, body: str, files: list[str] | None = None) -> int | None:
    """The seq of a stored message, None when it was refused."""
    told = crowd.do(visitor.say(body, files=files or []))
    seq: int | None = wait_until(lambda: told.done() and (told,), body, seconds=30)[0].result()
    return seq


def _answer_until_refused(desk: Desk, conversation: int) -> tuple[int, httpx.Response]:
    """The first answer that was not taken, and its number.

    What SQLite has reserved before, in its log above all, holds a few more while the disk is full.
    """
    for attempt in range(200):
        answered = desk.post(
            f"conversations/{conversation}/sending/",
            mode="reply",
            body=f"Hetki {attempt}! " + "Katson varastosta. " * 150,
            client_id=str(uuid4()),
            seen_seq="9999",
        )
        if answered.status_code != 200:
            break
    return attempt, answered


def _refusals(crowd: Crowd) -> dict[str, int]:
    total: dict[str, int] = {"full": 0}
    for visitor in crowd.visitors:
        for code, count in visitor.refusals.items():
            total[code] = total.get(code, 0) + count
    return total


def _free(folder: Path) -> int:
    space = os.statvfs(folder)
    return space.f_bavail * space.f_frsize
