"""Files of strangers: what they are is found in their bytes, where they lie in nothing they say (A16, A26-A28, A82)."""

from __future__ import annotations

import gzip
import io
import re
import resource
import tarfile
import zipfile
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image
from pytest_django.fixtures import Settings

from tiski.conversations.models import Attachment
from tiski.kernel import blobs
from tiski.kernel.backup import archive
from tiski.kernel.backup.problem import BackupProblem
from tiski.kernel.blobs import ANYTHING
from tiski.kernel.models import Blob
from tiski.testing.letterbox import Post
from tiski.testing.rules import imports
from tiski.testing.rules.sources import Source, product

SCRIPT = b"<script>alert(document.cookie)</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>"
ACTIVE = {
    "kuva.svg": SVG,
    "kuva.png": SVG,
    "sivu.html": b"<!doctype html><html><body onload=alert(1)>" + SCRIPT,
    "sivu.xhtml": b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>" + SCRIPT + b"</html>",
    "lista.xml": b"<?xml version='1.0'?><?xml-stylesheet type='text/xsl' href='#x'?><x id='x'/>",
    "lasku.pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj",
    "kuva.gif": b"GIF89a/*\x00\x00*/=1;alert(document.domain)//;",
    "kirje.txt": b"Hei!\n" + SCRIPT,
    "ohjelma.js": b"alert(document.cookie)",
    "tyyli.css": b"@import '//evil.example'",
    "arkisto.mht": b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n" + SCRIPT,
    "utf7.txt": b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "utf16.txt": ("\ufeff" + SCRIPT.decode()).encode("utf-16-le"),
    "flash.swf": b"CWS\x0a" + b"\0" * 60,
    "pikakuvake.url": b"[InternetShortcut]\r\nURL=javascript:alert(1)",
}
RUNNABLE = re.compile(r"html|xml|svg|script|css|x-shockwave|multipart", re.IGNORECASE)


def carrying(*files: tuple[str, str, bytes]) -> bytes:
    """A mail with files: the header lines of each as given, and its bytes."""
    parts = b"".join(
        f"--b\r\n{head}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode() + content + b"\r\n"
        for head, kind, content in files
    )
    top = b"From: ada@example.fi\r\nTo: x@teepuoti.example\r\nSubject: Liite\r\nMIME-Version: 1.0\r\n"
    return (
        top
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nLiitteen\xc3\xa4.\r\n"
        + parts
        + b"--b--\r\n"
    )


def kept(post: Post, raw: bytes) -> list[Blob]:
    """The files a mail leaves behind."""
    message = post.receive(raw).message
    assert message is not None
    ids = list(Attachment.unscoped.filter(message=message).order_by("id").values_list("blob_id", flat=True))
    return [Blob.unscoped.get(id=number) for number in ids]


@pytest.fixture
def files(settings: Settings, tmp_path: Path) -> Path:
    """Where files are kept in this test."""
    settings.TISKI_DATA = tmp_path / "data"
    (tmp_path / "data").mkdir()
    return tmp_path


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("name", ACTIVE)
def test_a16_no_file_of_a_mail_is_served_as_something_a_browser_runs(post: Post, name: str) -> None:
    mia = Client()
    mia.force_login(post.world.mia)
    disposition = f'Content-Disposition: inline; filename="{name}"'
    for lie in ("text/html", "image/png", "application/javascript", "image/svg+xml"):
        [blob] = kept(post, carrying((disposition, lie, ACTIVE[name])))
        answer = mia.get(reverse("console-file", args=["teepuoti", blob.id]))
        assert answer.status_code == 200
        assert answer["Content-Disposition"].startswith("attachment;")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        assert answer["Cache-Control"] == "private, no-store"
        assert not RUNNABLE.search(answer["Content-Type"]), answer["Content-Type"]
        b"".join(answer.streaming_content)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("files")
def test_a16_a_picture_is_shown_only_as_we_drew_it(post: Post) -> None:
    written = io.BytesIO()
    Image.new("RGB", (20, 20), "green").save(written, "PNG")
    polyglot = written.getvalue() + SCRIPT
    [blob] = kept(post, carrying(('Content-Disposition: inline; filename="k.png"', "text/html", polyglot)))
    mia = Client()
    mia.force_login(post.world.mia)
    answer = mia.get(reverse("console-file", args=["teepuoti", blob.id]))
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert SCRIPT not in b"".join(answer.streaming_content)  # type: ignore[attr-defined]


NAMES = {
    "\u200b.htaccess": "htaccess",
    "invoice\u202egpj.exe": "invoicegpj.exe",
    "a\x00.php": "a.php",
    "CON": "_CON",
    "..∕..∕": "_.._",
    "../../../../etc/passwd": "_.._.._.._etc_passwd",
    "..\\..\\boot.ini": "_.._boot.ini",
    "x" * 300 + ".pdf": "x" * 251 + ".pdf",
    "\u2066a\u2069.txt": "a.txt",
}


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "shown"), NAMES.items(), ids=[repr(name[:20]) for name in NAMES])
def test_a26_a_name_is_shown_cleaned_and_leads_nowhere(files: Path, name: str, shown: str) -> None:
    blob = blobs.store(7, name, b"tee", accept=ANYTHING)
    assert blob.name == shown
    assert re.fullmatch(r"[0-9a-f]{32}", blob.id)
    lying = [path for path in files.rglob("*") if path.is_file()]
    assert lying == [files / "data" / "blobs" / blob.id[:2] / blob.id]


@pytest.mark.parametrize(
    "head",
    [
        "Content-Disposition: attachment; filename*0*=utf-8''%2e%2e%2f%2e%2e%2f; filename*1*=etc%2fpasswd",
        "Content-Disposition: attachment; filename*=utf-8''..%2F..%2Fetc%2Fpasswd",
        'Content-Disposition: attachment; filename*0="../../"; filename*1="etc/passwd"',
        'Content-Disposition: attachment; filename="=?utf-8?q?=2E=2E=2F=2E=2E=2Fetc=2Fpasswd?="',
        'Content-Disposition: attachment; filename="C:\\\\Windows\\\\passwd"',
    ],
)
def test_a27_a_name_in_pieces_becomes_no_path(post: Post, files: Path, head: str) -> None:
    [blob] = kept(post, carrying((head, "application/octet-stream", b"tee")))
    assert "passwd" in blob.name
    assert not set(blob.name) & set("/\\")
    lying = [path for path in files.rglob("*") if path.is_file()]
    assert lying == [files / "data" / "blobs" / blob.id[:2] / blob.id]


def odd_entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """An entry of an archive as an attacker writes it."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return entry


@pytest.mark.parametrize(
    "entry",
    [
        odd_entry("../../etc/cron.d/evil"),
        odd_entry("/etc/cron.d/evil"),
        odd_entry("blobs/../../evil"),
        odd_entry("blobs/aa/" + "a" * 32 + "/../../../evil"),
        odd_entry("blobs/aa/" + "a" * 32, tarfile.SYMTYPE, "/etc/passwd"),
        odd_entry("database.sqlite3", tarfile.LNKTYPE, "/etc/passwd"),
        odd_entry("blobs", tarfile.DIRTYPE),
        odd_entry("manifest.json", tarfile.CHRTYPE),
        odd_entry("seal", tarfile.FIFOTYPE),
        odd_entry("secret.key"),
    ],
    ids=lambda entry: f"{entry.name[:24]} {entry.type.decode()}",
)
def test_a27_an_archive_whose_entries_climb_out_or_link_is_refused_whole(
    tmp_path: Path, entry: tarfile.TarInfo
) -> None:
    file = tmp_path / "varmuuskopio.tar"
    with tarfile.open(file, "w") as tar:
        tar.addfile(entry)
    with pytest.raises(BackupProblem, match="which no backup of Tiski does"), archive.opened(file):
        pass
    assert list(tmp_path.iterdir()) == [file]


def test_a27_nothing_else_of_ours_unpacks_an_archive() -> None:
    """The restore is the only import there is; the next one must refuse what climbs out too, and is found here."""
    unpackers = {"zipfile", "tarfile", "py7zr", "rarfile", "patoolib"}
    found = [
        source.path
        for source in product()
        if re.search(
            rf"^\s*(import|from) ({'|'.join(unpackers)})\b|unpack_archive|extractall", source.text, re.MULTILINE
        )
    ]
    assert {path.rpartition("/")[0] for path in found} <= {"tiski/kernel/backup"}


def packed(content: bytes, name: str = "a.txt") -> bytes:
    """An archive with one file."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(name, content)
    return written.getvalue()


def test_a28_an_archive_stays_packed_at_every_depth(post: Post, files: Path) -> None:
    bomb = packed(b"\0" * 200_000_000)
    assert len(bomb) < 250_000
    quine = packed(packed(bomb, "toinen.zip"), "[Content_Types].xml")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = kept(
        post,
        carrying(
            ('Content-Disposition: attachment; filename="a.zip"', "application/zip", bomb),
            ('Content-Disposition: attachment; filename="b.docx"', "application/zip", quine),
        ),
    )
    assert [blob.size for blob in found] == [len(bomb), len(quine)]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # kilobytes
    assert sum(path.stat().st_size for path in files.rglob("*") if path.is_file()) < 1_000_000


@pytest.mark.django_db
def test_a28_a_picture_of_169_megapixels_is_never_drawn(files: Path) -> None:
    written = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(written, "PNG")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for accept in (None, ANYTHING):
        if accept is None:
            with pytest.raises(blobs.PictureTooLarge, match="40 megapixels"):
                blobs.store(7, "pommi.png", written.getvalue())
        else:
            kept_anyway = blobs.store(7, "pommi.png", written.getvalue(), accept=accept)
            assert (kept_anyway.content_type, kept_anyway.is_picture) == ("application/octet-stream", False)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate"])
def test_a28_a_packed_request_is_read_as_it_came(post: Post, encoding: str) -> None:
    """Nobody unpacks request bodies: two hundred megabytes of zeros stay two hundred kilobytes of noise."""
    client = Client(headers={"Content-Encoding": encoding})
    client.force_login(post.world.mia)
    body = gzip.compress(b"name=" + b"a" * 200_000_000, 6)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = client.post("/account/", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code in {400, 413, 415, 422}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000
    post.world.mia.refresh_from_db()
    assert post.world.mia.name == "Mia Mäkinen"


ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "teeteetee"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY f SYSTEM "file:///etc/passwd">]><x>&c;&f;</x>"""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xml", ENTITIES),
        ("a.svg", ENTITIES.replace(b"<x>", b"<svg>")),
        ("a.xlsx", packed(ENTITIES, "xl/workbook.xml")),
    ],
)
def test_a82_xml_of_strangers_is_kept_and_read_by_nobody(post: Post, files: Path, name: str, content: bytes) -> None:
    head = f'Content-Disposition: attachment; filename="{name}"'
    [blob] = kept(post, carrying((head, "application/octet-stream", content)))
    with blobs.open_blob(blob) as stored:
        assert stored.read() == content
    assert b"root:" not in content


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "import cPickle, marshal",
        "import shelve",
        "from xml.etree import ElementTree",
        "import xml.sax",
        "from xml.dom.minidom import parseString",
        "import lxml.etree",
        "import yaml",
        "from ruamel.yaml import YAML",
        "import dill",
        "import jsonpickle",
    ],
)
def test_a82_code_that_would_read_objects_or_raw_xml_is_found(line: str) -> None:
    assert imports.restricted(Source("tiski/tea/actions.py", line)) != []


def test_a82_no_code_of_ours_does() -> None:
    found = [line for source in product() for line in imports.restricted(source)]
    assert found == []


def test_a82_sessions_and_caches_hold_json(settings: Settings) -> None:
    assert settings.SESSION_SERIALIZER == "django.contrib.sessions.serializers.JSONSerializer"
    assert {cache["BACKEND"] for cache in settings.CACHES.values()} == {
        "django.core.cache.backends.locmem.LocMemCache"  # in this process alone: no bytes of others are unpickled
    }
