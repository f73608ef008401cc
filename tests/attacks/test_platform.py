"""Requests that no browser sends, and installations that must not start (A83, A84)."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tiski.testing.ports import free_port
from tiski.testing.tiski_process import TiskiProcess

from .instance import Instance, Visitor, ending

QUICKLY = 20.0
"""Seconds within which a refusal has to come on a busy machine of two cores; none of them is near it otherwise."""
ROOT = Path(__file__).parents[2]


def spoken(port: int, *pieces: bytes, pause: float = 0.0, seconds: float = QUICKLY) -> bytes:
    """Everything the server says to these bytes until it closes or falls silent."""
    said = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as line:
        try:
            for piece in pieces:
                line.sendall(piece)
                time.sleep(pause)
            line.settimeout(2.0)
            while more := line.recv(65_536):
                said += more
        except OSError:
            pass
    return said


def statuses(said: bytes) -> list[int]:
    """The status codes of the answers in what was said."""
    return [int(part[:3]) for part in said.split(b"HTTP/1.1 ")[1:]]


@pytest.fixture
def port(instance: Instance) -> int:
    """Where the instance listens."""
    return instance.process.port


def alive(instance: Instance) -> bool:
    """Whether it still answers everybody else."""
    return instance.browser().get("/sign-in/").status_code == 200


@pytest.mark.both
def test_a83_twenty_thousand_fields_are_refused(instance: Instance) -> None:
    mia = instance.hire("Elli Sund")
    fields = "&".join(f"f{number}=x" for number in range(20_000))
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": mia.csrf, "Origin": instance.address}
    began = time.monotonic()
    for path in ("/account/", "/teepuoti/settings/mailbox/new/", "/sign-in/"):
        assert mia.http.post(path, content=fields, headers=headers).status_code in {400, 413}
    assert time.monotonic() - began < QUICKLY
    assert alive(instance)


@pytest.mark.both
def test_a83_a_thousand_files_in_one_form_are_refused(instance: Instance) -> None:
    mia = instance.hire("Elli Sund")
    files = [("file", (f"{number}.txt", b"tee")) for number in range(1_000)]
    headers = {"X-CSRFToken": mia.csrf, "Origin": instance.address}
    assert mia.http.post("/account/photo/", files=files, headers=headers).status_code in {400, 413}
    visitor = Visitor(instance)
    answer = visitor.http.post("/w/teepuoti/files/", files=files, headers=visitor.headers)
    assert answer.status_code in {400, 413}
    assert alive(instance)


@pytest.mark.both
def test_a83_json_a_hundred_thousand_deep_is_refused(instance: Instance) -> None:
    visitor, mia = Visitor(instance), instance.hire("Elli Sund")
    headers = visitor.headers | {"Content-Type": "application/json"}
    for opening in (b"[", b'{"a":', b'[{"a":'):
        answer = visitor.http.post("/w/teepuoti/messages/", content=opening * 100_000, headers=headers)
        assert answer.status_code in {400, 413, 422}
        smaller = visitor.http.post("/w/teepuoti/messages/", content=opening * 10_000, headers=headers)
        assert smaller.status_code in {400, 422}
        for line in (visitor.line(), mia.line()):
            line.send((opening * 10_000).decode())
            code, _seconds = ending(line)
            assert code in {1007, 1008, 1009}
    assert alive(instance)


@pytest.mark.both
def test_a83_a_header_of_a_megabyte_is_refused(instance: Instance, port: int) -> None:
    for name in (b"X-Long", b"Cookie", b"Authorization"):
        said = spoken(
            port, b"GET /sign-in/ HTTP/1.1\r\nHost: localhost\r\n" + name + b": " + b"x" * 1_000_000 + b"\r\n\r\n"
        )
        assert set(statuses(said)) <= {400, 431}
    said = spoken(port, b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert set(statuses(said)) <= {400, 414, 431}
    many = b"".join(b"X-%d: x\r\n" % number for number in range(20_000))
    assert set(statuses(spoken(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + many + b"\r\n"))) <= {400, 431}
    assert alive(instance)


@pytest.mark.both
def test_a83_slow_headers_end_and_hold_nobody_up(instance: Instance, port: int) -> None:
    held = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(50)]
    try:
        for line in held:
            line.sendall(b"GET /sign-in/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        assert alive(instance)
        began = time.monotonic()
        for line in held:
            line.settimeout(max(1.0, 30 - (time.monotonic() - began)))
            assert line.recv(100) == b""
        assert time.monotonic() - began < 30
    finally:
        for line in held:
            line.close()


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
PAIRS = {
    "length and chunks": b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello",
    "a list of lengths": b"Content-Length: 5, 0\r\n\r\nhello",
    "a signed length": b"Content-Length: +5\r\n\r\nhello",
    "a length in hexadecimal": b"Content-Length: 0x5\r\n\r\nhello",
    "an odd coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding behind a tab": b"Transfer-Encoding:\tchunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "a coding in capitals and a space": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded coding": b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "a bad chunk size": b"Transfer-Encoding: chunked\r\n\r\nZ\r\nhello\r\n0\r\n\r\n",
    "a negative chunk": b"Transfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n0\r\n\r\n",
    "a bare line feed": b"Transfer-Encoding: chunked\n\n0\n\n",
    "an underscore": b"Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
}


@pytest.mark.both
@pytest.mark.parametrize("pair", PAIRS)
def test_a83_a_request_ends_where_every_proxy_thinks_it_does(instance: Instance, port: int, pair: str) -> None:
    """Either it is refused and the line closed, or the smuggled request stayed outside of it and is answered itself."""
    head = b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\n"
    said = spoken(port, head + PAIRS[pair] + SMUGGLED)
    answered = statuses(said)
    if pair == "an underscore":
        # The name with an underscore counts for nothing: five bytes of body, and a second request of its own.
        assert len(answered) == 2
        return
    assert answered[:1] == [400], said[:300]
    assert len(answered) == 1, said[:600]
    assert alive(instance)


@pytest.mark.both
def test_a83_ranges_cost_no_more_than_the_file(instance: Instance) -> None:
    visitor = Visitor(instance)
    assert visitor.say("Tässä kuitti.").status_code == 200
    uploaded = visitor.upload(b"tee\n" * 50_000)
    assert uploaded.status_code == 200, uploaded.text
    address = f"/w/teepuoti/files/{uploaded.json()['id']}/"
    sent = visitor.say("Kuitti", files=[uploaded.json()["id"]])
    assert sent.status_code == 200
    many = "bytes=" + ",".join(["0-"] * 3_000)
    for asked in (many, "bytes=0-,0-,0-", "bytes=-1-5", "bytes=9999999999-", "bytes=5-2", "lines=1-2"):
        began = time.monotonic()
        answer = visitor.http.get(address, headers=visitor.headers | {"Range": asked})
        assert answer.status_code in {200, 206, 400, 404, 416, 431}
        assert len(answer.content) <= 200_000 + 1_000
        assert time.monotonic() - began < QUICKLY
    [sheet, *_more] = re.findall(r'"(/static/[^"]+[.]css)"', instance.browser().get("/sign-in/").text)
    answer = instance.browser().get(sheet, headers={"Range": many[:20_000]})
    assert answer.status_code in {200, 206, 400, 416, 431}
    assert alive(instance)


@pytest.mark.both
def test_a83_a_body_longer_than_said_or_than_allowed_ends_early(instance: Instance, port: int) -> None:
    said = spoken(port, b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
    assert statuses(said)[:1] == [413]
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    endless = (chunk for _ in range(60))
    head = b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert statuses(spoken(port, head, *endless))[:1] in ([413], [])
    assert alive(instance)


def refused_start(data: Path, *, host: str = "127.0.0.1", **settings: str) -> str:
    """What an installation with these settings says when it refuses to start."""
    process = TiskiProcess(data, environment={"TISKI_HOST": host, **settings})
    process.launch()
    try:
        assert process.wait(seconds=90) in {1, 2}
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{process.address}/livez", timeout=2, trust_env=False)
        return process.log()
    finally:
        process.kill()


PUBLIC = {"TISKI_BASE_URL": "https://desk.teepuoti.example", "TISKI_SMTP_URL": "smtp://mail.example"}


@pytest.mark.parametrize(
    ("host", "settings", "sentence"),
    [
        ("0.0.0.0", PUBLIC | {"TISKI_DEBUG": "1"}, "TISKI_DEBUG"),
        ("127.0.0.1", {"TISKI_SECRET_KEY": "changeme"}, "TISKI_SECRET_KEY"),
        ("127.0.0.1", {"TISKI_ALLOW_NETWORKS": "0.0.0.0/0"}, "TISKI_ALLOW_NETWORKS"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a84_an_unsafe_setting_keeps_the_product_from_starting(
    data_folder: Path, host: str, settings: dict[str, str], sentence: str
) -> None:
    said = refused_start(data_folder, host=host, **settings)
    assert sentence in said
    assert "Traceback" not in said


OLD = """
import sys
{change}
from tiski.config import cli
sys.exit(cli.main(["up", "--data", sys.argv[1]]))
"""
OLD_SQLITE = "import pysqlite3.dbapi2 as found\nfound.sqlite_version = '3.40.1'; found.sqlite_version_info = (3, 40, 1)"
OLD_DJANGO = "import django\ndjango.VERSION = (5, 2, 1, 'final', 0)"
ADMIN = "from tiski.config import settings\nsettings.INSTALLED_APPS.append('django.contrib.admin')"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [(OLD_SQLITE, "SQLite 3.40.1"), (OLD_DJANGO, "5.2.1"), (ADMIN, "admin")],
    ids=["SQLite", "Django", "admin"],
)
def test_a84_old_libraries_and_djangos_admin_keep_it_from_starting(
    data_folder: Path, change: str, sentence: str
) -> None:
    environment = {
        "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "TISKI_PORT": str(free_port()), "TISKI_HOST": "127.0.0.1",
        "TISKI_BASE_URL": "http://localhost:8000", "DJANGO_SETTINGS_MODULE": "tiski.config.settings",
    }  # fmt: skip
    program = OLD.format(change=change)
    done = subprocess.run(
        [sys.executable, "-c", program, str(data_folder)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr[-2000:]
    assert sentence in done.stderr
