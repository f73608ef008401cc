"""What a restore refuses, and what it holds back."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.test import override_settings

from tiski.config import backup as commands
from tiski.config.environment import BadSetting
from tiski.conversations import actions as conversations
from tiski.conversations import queries
from tiski.conversations.contract import Destination
from tiski.conversations.models import Message, OutboxItem
from tiski.kernel import backup, blobs
from tiski.kernel.backup import BackupProblem
from tiski.testing.world import Shopper, World, tea_shop

pytestmark = pytest.mark.django_db(transaction=True)

Members = list[tuple[tarfile.TarInfo, bytes]]


@pytest.fixture
def world() -> World:
    """Teepuoti with one message and one file."""
    world = tea_shop()
    conversations.post_many([Shopper(world).says("Onko senchaa?")])
    return world


@pytest.fixture
def archive(world: World, tmp_path: Path) -> Path:
    """A backup of it."""
    blobs.store(world.shop.id, "hinnasto.txt", "Sencha 9 €\n".encode())
    backup.make(tmp_path / "tiski.tar")
    return tmp_path / "tiski.tar"


def changed(archive: Path, change: Callable[[Members], Members]) -> Path:
    """The archive with other members, but without a new seal."""
    with tarfile.open(archive) as tar:
        members = [(member, _bytes(tar, member)) for member in tar.getmembers()]
    target = archive.with_name("changed.tar")
    with tarfile.open(target, "w") as tar:
        for member, content in change(members):
            tar.addfile(member, io.BytesIO(content))
    return target


def refusal(archive: Path, folder: Path) -> str:
    """What somebody reads who restores it; the folder stays without anything but what is harmless."""
    with pytest.raises(BackupProblem) as problem:
        copy_all(archive, folder)
    return str(problem.value)


def copy_all(archive: Path, folder: Path) -> None:
    """Everything in the archive, written into the folder."""
    with backup.opened(archive) as found:
        for name in found.manifest.files:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            found.copy(name, target)


def test_what_was_made_is_found_right_and_holds_neither_key_nor_more(archive: Path) -> None:
    database = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}[connection.vendor]
    with backup.opened(archive) as found:
        assert found.manifest.tables["conversations_message"] == 1
        assert found.manifest.lost == []
        assert (found.database, len(found.blobs)) == (database, 1)
    with tarfile.open(archive) as tar:
        assert tar.getnames() == [database, *found.blobs, "manifest.json", "seal"]
    assert archive.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in archive.parent.iterdir()] == ["tiski.tar"]


def test_one_changed_byte_of_a_file_is_refused(archive: Path, tmp_path: Path) -> None:
    def change(members: Members) -> Members:
        return [(one, b"s" + content[1:] if one.name.startswith("blobs/") else content) for one, content in members]

    said = refusal(changed(archive, change), tmp_path / "place")
    assert said.startswith("The archive was changed: blobs/")
    assert said.endswith("is not what was backed up. Use another backup.")


def test_a_changed_manifest_does_not_fit_its_seal(archive: Path, tmp_path: Path) -> None:
    def change(members: Members) -> Members:
        return [
            (_sized(one, content + b" "), content + b" ") if one.name == "manifest.json" else (one, content)
            for one, content in members
        ]

    said = refusal(changed(archive, change), tmp_path / "place")
    assert said.startswith("The archive's seal does not fit the key file")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../evil", tarfile.REGTYPE),
        ("/etc/cron.d/evil", tarfile.REGTYPE),
        ("blobs/ab/../../../evil", tarfile.REGTYPE),
        ("blobs/ab/" + "cd" * 16, tarfile.REGTYPE),
        ("blobs/ab/ab" + "0" * 30 + "\n", tarfile.REGTYPE),
        ("secret.key", tarfile.REGTYPE),
        ("blobs/ab/ab" + "0" * 30, tarfile.SYMTYPE),
        ("blobs/ab/ab" + "0" * 30, tarfile.LNKTYPE),
        ("blobs/ab/ab" + "0" * 30, tarfile.CHRTYPE),
        ("blobs/ab/ab" + "0" * 30, tarfile.DIRTYPE),
    ],
)
def test_names_and_kinds_that_no_backup_has_are_refused(archive: Path, tmp_path: Path, name: str, kind: bytes) -> None:
    odd = tarfile.TarInfo(name)
    odd.type, odd.linkname = kind, "/etc/passwd"
    said = refusal(changed(archive, lambda members: [(odd, b""), *members]), tmp_path / "place")
    assert said.endswith("which no backup of Tiski does. Use another one.")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["changed.tar", "tiski.tar"]


def test_a_name_twice_and_a_file_more_or_less_are_refused(archive: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    assert "twice" in refusal(changed(archive, lambda members: [members[0], *members]), place)
    more = tarfile.TarInfo("blobs/ab/ab" + "0" * 30)
    assert "as the manifest says" in refusal(changed(archive, lambda members: [(more, b""), *members]), place)
    assert "as the manifest says" in refusal(changed(archive, lambda members: members[1:]), place)
    assert not place.exists()


def test_what_was_cut_off_and_what_is_no_archive_are_refused(archive: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    assert refusal(archive, place).endswith("Use another backup.")
    archive.write_bytes(b"Hinnasto 2026\n" * 1000)
    assert "is no backup of Tiski" in refusal(archive, place)
    archive.unlink()
    assert refusal(archive, place) == f"{archive}: No such file or directory. Check path, mode and free space."


def test_an_archive_sealed_with_another_key_is_refused(archive: Path, tmp_path: Path) -> None:
    key = tmp_path / "toinen.key"
    with override_settings(TISKI_KEY_FILE=key):
        said = refusal(archive, tmp_path / "place")
    assert said.startswith("The archive's seal does not fit the key file")


def test_a_file_that_is_missing_is_told_and_the_rest_is_kept(world: World, tmp_path: Path) -> None:
    kept = blobs.store(world.shop.id, "hinnasto.txt", b"Sencha 9\n")
    missing = blobs.store(world.shop.id, "kuitti.txt", b"Kiitos!\n")
    blobs.path_of(missing.id).unlink()
    manifest = backup.make(tmp_path / "tiski.tar")
    assert manifest.lost == [missing.id]
    with backup.opened(tmp_path / "tiski.tar") as found:
        assert found.blobs == [f"blobs/{kept.id[:2]}/{kept.id}"]


def test_a_file_that_is_being_removed_is_still_found(world: World, tmp_path: Path) -> None:
    blob = blobs.store(world.shop.id, "hinnasto.txt", b"Sencha 9\n")
    aside = blobs.folder() / "removed"
    aside.mkdir(exist_ok=True)
    blobs.path_of(blob.id).rename(aside / blob.id)
    assert backup.make(tmp_path / "tiski.tar").lost == []


def test_no_backup_and_no_used_place_is_overwritten(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupProblem, match="is there already, and no backup is overwritten"):
        backup.make(archive)
    place = tmp_path / "place"
    place.mkdir()
    (place / "tiski.sqlite3").write_bytes(b"rivit")
    with pytest.raises(BadSetting, match=r"is not empty \(it holds tiski.sqlite3\), and nothing is overwritten"):
        commands.restore(archive, place, database="", key=None)
    assert [path.name for path in place.iterdir()] == ["tiski.sqlite3"]


def test_a_database_with_something_in_it_is_not_overwritten(archive: Path, tmp_path: Path) -> None:
    said = "The database is not empty" if connection.vendor == "postgresql" else "File exists"
    place = tmp_path / "place"
    with (
        override_settings(TISKI_DATA=place),
        backup.opened(archive) as found,
        pytest.raises((BackupProblem, OSError)) as no,
    ):
        backup.restore(found)
    assert said in str(no.value)
    assert Message.unscoped.count() == 1


def test_what_was_on_its_way_waits_for_a_person_after_a_restore(world: World) -> None:
    conversation = world.conversation_with_ada()
    with world.scope():
        conversations.post(conversation, body="On!", client_id=uuid4(), by=world.by_mia)
        to_ada = Destination("ada@example.fi", "<1@teepuoti.example>")
        [item] = conversations.queue_outbox(Message.objects.latest("id"), [to_ada], by=world.by_mia)
    assert conversations.hold_after_restore() == 1
    assert conversations.claim_due(10, "Mian työläinen", item_id=item.id) == []
    with world.scope():
        [stuck] = [one for one in queries.stuck() if one.id == item.id]
        assert (stuck.state, stuck.reason) == (
            "unknown",
            "Restored from a backup: it may have been sent after the backup was made.",
        )
        conversations.retry(OutboxItem.objects.get(id=item.id), by=world.by_mia)
    assert [one.item_id for one in conversations.claim_due(10, "Mian työläinen", item_id=item.id)] == [item.id]
    assert conversations.hold_after_restore() == 1


def test_a_hole_in_a_sequence_is_found(world: World) -> None:
    conversations.post_many([Shopper(world).says("Onko gyokuroa?")])
    assert queries.with_holes() == []
    message = Message.unscoped.earliest("id")
    Message.unscoped.filter(id=message.id).update(seq=2)
    assert queries.with_holes() == [message.conversation_id]
    Message.unscoped.filter(id=message.id).delete()
    assert queries.with_holes() == [message.conversation_id]


def _bytes(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    assert file is not None
    return file.read()


def _sized(member: tarfile.TarInfo, content: bytes) -> tarfile.TarInfo:
    member.size = len(content)
    return member
