"""Files: bytes before rows, types found in the bytes, pictures drawn anew, downloads that cannot act."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from tiski.kernel import blobs, clock
from tiski.kernel.blobs import ANYTHING, Blob, storing
from tiski.kernel.blobs.sniffing import sniff
from tiski.kernel.errors import NotFound
from tiski.kernel.scope import OutsideScope, shop_scope

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def files(settings: Settings, tmp_path: Path) -> Path:
    settings.TISKI_DATA = tmp_path
    return tmp_path / "blobs"


def content(blob: Blob) -> bytes:
    """Every stored byte."""
    return b"".join(blobs.stream(blob))


def document(folder: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(f"{folder}document.xml", "x" * 500)
    return written.getvalue()


def kept(folder: Path) -> list[Path]:
    """Every file below the folder of files."""
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def trail(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happened to the disk and the database, in order."""
    seen: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def watched_fsync(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink()
        seen.append("sync folder" if name.is_dir() else "sync file")
        fsync(descriptor)

    def watched_replace(path: Path, target: Path) -> Path:
        seen.append("name")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "replace", watched_replace)
    return seen


def test_a_file_is_kept_under_a_random_id_and_remembers_what_it_is(files: Path) -> None:
    blob = blobs.store(7, "../Lasku.pdf", b"%PDF-1.7 tea")

    assert (blob.shop_id, blob.name, blob.size, blob.content_type) == (7, "_Lasku.pdf", 12, "application/pdf")
    assert blob.sha256 == hashlib.sha256(b"%PDF-1.7 tea").hexdigest()
    assert len(blob.id) == 32
    assert kept(files) == [files / blob.id[:2] / blob.id]
    assert content(blob) == b"%PDF-1.7 tea"
    assert b"".join(blobs.stream(blob)) == b"%PDF-1.7 tea"
    assert (blob.width, blob.is_picture) == (None, False)


def test_bytes_are_on_the_disk_before_the_row_exists(trail: list[str]) -> None:
    blobs.store(7, "tee.txt", b"tea")

    assert trail == ["sync file", "sync folder", "name", "sync folder"]


def test_a_stream_is_read_in_pieces_and_never_beyond_its_limit(files: Path) -> None:
    class Endless(io.RawIOBase):
        """A 5 GB upload."""

        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return b"x" * size

    endless = Endless()
    with pytest.raises(blobs.FileTooLarge, match="larger than 1 MB") as refused:
        blobs.store(7, "x", endless, limit=1024 * 1024)  # type: ignore[arg-type]

    assert refused.value.field == "file"
    assert endless.given <= 1024 * 1024 + 2 * storing.CHUNK
    assert kept(files) == []
    assert not Blob.unscoped.exists()
    assert blobs.store(7, "x", io.BytesIO(b"x" * 1000), limit=1000).size == 1000


def test_files_of_another_shop_do_not_exist() -> None:
    ours = blobs.store(7, "a", b"tea")
    blobs.store(8, "b", b"coffee")

    with shop_scope(7):
        assert list(Blob.objects.all()) == [ours]
    with pytest.raises(OutsideScope):
        Blob.objects.count()


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"BM\0\0", "image/bmp"),
        (b"%PDF-1.4", "application/pdf"),
        (document("word/"), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (document("xl/"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (document("other/"), "application/zip"),
        (document("word/vbaProject.bin"), "application/vnd.ms-office.macro-enabled"),
        (
            b"PK\x03\x04" + b"\0" * 26 + b"mimetypeapplication/vnd.oasis.opendocument.textPK",
            "application/vnd.oasis.opendocument.text",
        ),
        (b"\0\0\0\x20ftypheic", "image/heic"),
        (b"\0\0\0\x20ftypisom", "video/mp4"),
        (b"\0\0\0\x20ftypqt  ", "video/quicktime"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        ("Hei, missä tilaukseni on? €".encode(), "text/plain"),
        ("Hei ä".encode("cp1252"), "text/plain"),
        ("Hei ä".encode("utf-16"), "text/plain"),
        (b"", "text/plain"),
        (b"a < b and c > d", "text/plain"),
        (b"<!doctype html><p>x", "text/html"),
        (b"  \n<HTML>", "text/html"),
        (b"hello <script>alert(1)</script>", "text/html"),
        ("<script>".encode("utf-16"), "text/html"),
        (b"<?xml version='1.0'?><x/>", "application/xml"),
        (b"<?xml version='1.0'?><svg onload=alert(1)>", "image/svg+xml"),
        (b"<svg/onload=alert(1)>", "image/svg+xml"),
        (b"#!/bin/sh", "text/x-script"),
        (b"MZ\x90\0", "application/vnd.microsoft.portable-executable"),
        (b"\x7fELF\x02", "application/x-elf"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
        (b"\0\1\2\3", "application/octet-stream"),
        (b"abc\x01def", "application/octet-stream"),
        (b"RIFF\0\0\0\0ABCD", "application/octet-stream"),
    ],
)
def test_a16_the_type_is_found_in_the_bytes(content: bytes, content_type: str) -> None:
    assert sniff(content[:4096], content[-4096:]) == content_type


@given(st.binary(max_size=300))
def test_any_bytes_have_a_type_and_markup_is_never_called_text(content: bytes) -> None:
    found = sniff(content + b"<script>alert(1)</script>")

    assert found
    assert found != "text/plain"


@pytest.mark.parametrize(
    "content",
    [
        b"<svg onload=alert(1)>",
        b"<html>",
        b"<?xml version='1.0'?><?xml-stylesheet href='x'?>",
        b"MZ\x90",
        b"\0\1\2",
        b"#!/bin/sh",
    ],
)
def test_a16_visitors_send_only_what_is_accepted_whatever_its_name_says(content: bytes, files: Path) -> None:
    with pytest.raises(blobs.FileTypeRefused, match="Send a picture, a PDF"):
        blobs.store(7, "kuva.png", content)

    assert kept(files) == []


def test_a_mail_may_bring_anything_and_it_stays_a_download() -> None:
    blob = blobs.store(7, "logo.svg", b"<svg onload=alert(1)>", accept=ANYTHING)
    headers = blobs.response_headers(blob, inline=True)

    assert blob.content_type == "image/svg+xml"
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == 'attachment; filename="logo.svg"'


def test_the_headers_of_a_download_leave_nothing_to_chance() -> None:
    blob = blobs.store(7, 'Lasku "äö".pdf', b"%PDF-1.7")

    assert blobs.response_headers(blob, inline=True) == {
        "Content-Type": "application/pdf",
        "Content-Length": "8",
        "Content-Disposition": "attachment; filename*=utf-8''Lasku%20_%C3%A4%C3%B6_.pdf",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-store",
    }


def test_a_blob_without_its_bytes_does_not_exist() -> None:
    blob = blobs.store(7, "a", b"tea")
    blobs.path_of(blob.id).unlink()

    with pytest.raises(NotFound):
        blobs.response(blob)
    with pytest.raises(NotFound):
        blobs.stream(blob)


@pytest.mark.parametrize("odd", ["", "..", "../../etc/passwd", "a/" * 16, "x" * 31, "é" * 31 + "/"])
def test_no_path_is_made_from_anything_but_an_id(odd: str) -> None:
    with pytest.raises(ValueError, match="not the id"):
        blobs.path_of(odd)


@pytest.mark.parametrize(
    ("number", "refusal"),
    [
        (errno.ENOSPC, blobs.StorageFull),
        (errno.EDQUOT, blobs.StorageFull),
        (errno.EROFS, blobs.FilesUnavailable),
        (errno.EIO, blobs.FilesUnavailable),
    ],
)
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_f08_trouble_with_the_disk_refuses_the_whole_file(
    number: int, refusal: type[Exception], step: str, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr(os if step == "fsync" else Path, step, fail)
        with pytest.raises(refusal):
            blobs.store(7, "a", b"tea")

    assert kept(files) == []
    assert not Blob.unscoped.exists()
    blobs.store(7, "a", b"tea")


def test_uploads_end_while_the_database_still_has_room() -> None:
    space = os.statvfs(storing.folder().parent)
    with pytest.raises(blobs.StorageFull):
        blobs.make_room_or_refuse(space.f_bavail * space.f_frsize * 2)
    blobs.make_room_or_refuse(1)


def test_a_folder_that_cannot_be_made_is_told(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings.TISKI_DATA = tmp_path / "file"

    with pytest.raises(blobs.FilesUnavailable, match="check the data folder"):
        blobs.store(7, "a", b"tea")


def test_files_without_a_row_are_set_aside_after_a_day_and_deleted_a_week_later(files: Path) -> None:
    lasting = blobs.store(7, "a", b"tea")
    removed = blobs.store(7, "b", b"coffee")
    (files / "incoming" / "crashed").mkdir(parents=True)
    (files / "incoming" / "crashed" / "original").write_bytes(b"half")
    assert blobs.remove([removed.id, "unknown"]) == 1

    now = clock.now()
    assert blobs.sweep() == 0
    with time_machine.travel(now + timedelta(days=1, minutes=1), tick=False):
        assert blobs.sweep() == 1
        assert blobs.sweep() == 0
    assert sorted(path.name for path in kept(files)) == sorted([lasting.id, removed.id])
    with time_machine.travel(now + timedelta(days=9), tick=False):
        blobs.sweep()

    assert kept(files) == [blobs.path_of(lasting.id)]


def test_a_sweep_goes_on_where_another_worker_took_a_file_first(files: Path) -> None:
    """A name that leads nowhere is what a sweep sees of a file that went between listing and looking."""
    old = clock.now() - timedelta(days=30)
    for folder in (files / "removed", files / "incoming", files / "ab"):
        folder.mkdir(parents=True)
        (folder / "gone").symlink_to(files / "nowhere")
        (folder / "old").write_bytes(b"tea")
        os.utime(folder / "old", (old.timestamp(), old.timestamp()))

    assert blobs.sweep() == 1

    assert [path.parent.name for path in sorted(files.rglob("old"))] == ["removed"]
