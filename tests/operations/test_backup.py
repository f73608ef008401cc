"""F16: a backup made while shoppers chat, restored elsewhere, is a prefix of what the ledger says."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tiski.testing.ledger import Verdict, judge
from tiski.testing.ports import wait_until
from tiski.testing.postgres import Postgres
from tiski.testing.premises import Premises
from tiski.testing.shoppers import Crowd, Visitor

pytestmark = [pytest.mark.both, pytest.mark.timeout(300)]

Command = Callable[..., "subprocess.CompletedProcess[str]"]
LIST = b"Sencha 2 kg\nGyokuro 1 kg\n" * 500
SHOPPERS = 12
IDS = "SELECT id FROM conversations_message ORDER BY id"


def test_f16_a_backup_under_load_restored_elsewhere_is_a_prefix_of_the_ledger(
    shop: Premises, tmp_path: Path, command: Command, record: Callable[..., None]
) -> None:
    archive = tmp_path / "tiski.tar"
    with shop.process() as tiski, Crowd(tiski.address, tmp_path, count=SHOPPERS, pause=0.05) as crowd:
        crowd.wait_until_open()
        crowd.wait_for(60)
        _send_a_file(tiski.address, crowd.visitors[0])
        acknowledged_before = crowd.ledger.lines()
        made = command(shop, "backup", archive)
        crowd.wait_for(60)
        crowd.settle()
        wait_until(lambda: crowd.judge(shop.data, shop.database_url) == Verdict(), "nothing lost here", seconds=30)
        text = httpx.get(f"{tiski.address}/metrics", trust_env=False, timeout=20).text
    assert made.returncode == 0, made.stderr
    assert re.search(r"holds \d+ rows and 1 files", made.stdout)
    assert 0 <= _sample(text, "tiski_last_backup_age_seconds") < 300

    place = _elsewhere(shop, tmp_path / "elsewhere")
    restored = command(shop, "restore", archive, "--into", place.data, *_database(place))
    assert restored.returncode == 0, restored.stderr
    assert "every sequence without holes" in restored.stdout
    _is_a_prefix(shop, place)
    assert judge(acknowledged_before, place.stored()) == Verdict()
    assert [path.read_bytes() for path in (place.data / "blobs").glob("??/*")] == [LIST]
    with place.product() as again:
        assert httpx.get(f"{again.address}/demo/", trust_env=False, timeout=20).status_code == 200
    proofs = "SELECT process FROM kernel_pulse WHERE process IN ('backup', 'restore') ORDER BY process"
    assert shop.rows(proofs) == [("backup",), ("restore",)]
    record(messages=len(shop.rows(IDS)), restored=len(place.rows(IDS)), **_seconds(made, restored))


def _is_a_prefix(shop: Premises, place: Premises) -> None:
    """Over all conversations in the order of the commits, and in each by its seq; and the load had gone on."""
    ids, kept = shop.rows(IDS), place.rows(IDS)
    assert kept == ids[: len(kept)]
    assert 60 < len(kept) < len(ids)
    whole = shop.stored()
    for uuid, conversation in place.stored().items():
        assert conversation.last_seq == len(conversation.entries)
        assert conversation.entries == whole[uuid].entries[: conversation.last_seq]


def _send_a_file(address: str, visitor: Visitor) -> None:
    headers = {"authorization": f"Bearer {visitor.token}", "origin": address}
    with httpx.Client(base_url=f"{address}/w/teepuoti", headers=headers, trust_env=False, timeout=30) as client:
        kept = client.post("/files/", files={"file": ("tilaus.txt", LIST)})
        assert kept.status_code == 200, kept.text
        message = {
            "t": "message", "client_id": str(uuid4()), "conversation": str(visitor.conversation), "body": "Tilaus",
            "page": "/demo/", "lang": "fi", "files": [kept.json()["id"]],
        }  # fmt: skip
        assert client.post("/messages/", json=message).json()["t"] == "ack"


def _elsewhere(shop: Premises, folder: Path) -> Premises:
    cluster: Postgres | None = shop.cluster
    return Premises(folder, cluster.create(f"restored_{uuid4().hex}") if cluster else "", cluster)


def _database(place: Premises) -> list[str]:
    return ["--database", place.database_url] if place.database_url else []


def _sample(text: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found is not None
    return float(found[1])


def _seconds(made: subprocess.CompletedProcess[str], restored: subprocess.CompletedProcess[str]) -> dict[str, float]:
    took = [re.search(r"(?:took|in) ([\d.]+) s", done.stdout) for done in (made, restored)]
    return {
        name: float(found[1]) for name, found in zip(("backup_seconds", "restore_seconds"), took, strict=True) if found
    }
