"""The server process: who answers what, probes, static files, and a stop that loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.sync.client import connect
from websockets.typing import Origin

from tiski.config import server
from tiski.config.environment import BadSetting
from tiski.kernel import batch
from tiski.testing import tearoom as tearoom_module
from tiski.testing.ports import free_port, wait_until
from tiski.testing.tearoom import Guest, Tearoom, lines
from tiski.ui import statics

pytestmark = pytest.mark.django_db(transaction=True)

TEAROOM_PROCESS = """
import sys
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tiski.config import server
from tiski.testing import tearoom
server.run("127.0.0.1", int(sys.argv[1]), {"live"}, listening=lambda: print("open", flush=True))
"""


@pytest.fixture
def tearoom() -> Iterator[Tearoom]:
    """An open tea room: the live half alone."""
    with Tearoom() as room:
        yield room


def get(room: Tearoom, path: str, **headers: str) -> httpx.Response:
    """One GET."""
    return httpx.get(room.address + path, headers=headers, trust_env=False)


def test_livez_answers_also_for_an_unknown_host(tearoom: Tearoom) -> None:
    answer = get(tearoom, "/livez", host="10.0.0.7")
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_readyz_writes_to_the_database_and_says_yes(tearoom: Tearoom) -> None:
    assert (get(tearoom, "/readyz").status_code, get(tearoom, "/readyz").text) == (200, "ok\n")


def test_readyz_is_red_when_the_writer_is_stuck(tearoom: Tearoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_writer_is_stuck", lambda: True)
    assert (get(tearoom, "/readyz").status_code, get(tearoom, "/readyz").text) == (503, "not ready: writer\n")


def test_a_part_that_is_off_answers_nothing(tearoom: Tearoom) -> None:
    answer = get(tearoom, "/sign-in/")
    assert (answer.status_code, answer.text) == (404, "This process answers no pages.\n")


def test_a42_a_foreign_host_is_refused_everywhere(tearoom: Tearoom) -> None:
    assert get(tearoom, "/sign-in/", host="evil.example").status_code == 400


def test_static_files_are_immutable_under_their_hash_and_compressed(tearoom: Tearoom) -> None:
    name = next(
        name for name, file in sorted(statics.files().items()) if name.endswith(".css") and file.stat().st_size > 2000
    )
    answer = get(tearoom, statics.static(name))
    assert answer.status_code == 200
    assert answer.content == statics.files()[name].read_bytes()
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    plain = get(tearoom, statics.static(name), **{"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == answer.content


def test_an_old_hash_still_finds_the_file_but_is_not_kept(tearoom: Tearoom) -> None:
    name = min(statics.files())
    answer = get(tearoom, f"/static/0123456789ab/{name}")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=60")


@pytest.mark.parametrize(
    "path", ["/static/x/../../config/settings.py", "/static/x/..%2f..%2fsettings.py", "/static/x/nothing.css"]
)
def test_only_files_of_the_tree_are_found(tearoom: Tearoom, path: str) -> None:
    assert get(tearoom, path).status_code == 404


def test_a_taken_port_is_named_with_the_remedy(tearoom: Tearoom) -> None:
    with pytest.raises(BadSetting) as refusal:
        server.run("127.0.0.1", tearoom.port)
    what, remedy = str(refusal.value).split(". ")
    assert what == f"cannot listen on 127.0.0.1, port {tearoom.port} (Address already in use)"
    assert remedy == "Choose others with --host and --port."


def test_f37_a_stop_stores_and_acknowledges_what_was_taken_then_closes_with_1012(
    tearoom: Tearoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, real = threading.Event(), tearoom_module.store

    def slow(items: list[tuple[int, str]]) -> list[int | Exception]:
        release.wait(5)
        return real(items)

    monkeypatch.setattr(tearoom_module.writer, "_work", slow)
    mia = tearoom.enter("mia", table=7)
    for number in range(10):
        mia.send(t="message", client_id=str(number), body=f"sana {number}")
    wait_until(lambda: tearoom_module.writer.waiting() >= 9, "ten messages are waiting")
    tearoom.server.should_exit = True
    wait_until(lambda: _refuses(tearoom.port), "no more connections")
    mia.send(t="message", client_id="too late", body="ei ehtinyt")
    release.set()

    acknowledged: list[str] = []
    with pytest.raises(ConnectionClosedError) as end:
        _collect_acks(mia, acknowledged)
    assert end.value.rcvd is not None
    assert end.value.rcvd.code == 1012
    assert acknowledged == [str(number) for number in range(10)]
    assert [body for _, body in lines(7)] == [f"sana {number}" for number in range(10)]
    assert batch.gatherers["tearoom"].waiting() == 0


class Process:
    """The tea room as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        root = Path(__file__).parents[3]
        search = f"{root}:{os.environ.get('PYTHONPATH', '')}"
        environment = {**os.environ, "TISKI_DATA": str(folder), "TISKI_DATABASE_URL": "", "PYTHONPATH": search}
        command = [sys.executable, "-c", TEAROOM_PROCESS, str(self.port)]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"open\n"
        self.process.stdout.close()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """A tea room that can be told to stop."""
    running = Process(tmp_path)
    yield running
    running.process.kill()
    running.process.wait(10)


def test_f37_sigterm_ends_the_process_in_order(process: Process) -> None:
    address, origin = f"ws://127.0.0.1:{process.port}/tearoom/teepuoti/live", Origin("https://teepuoti.fi")
    with connect(address, origin=origin, proxy=None) as socket:
        mia = Guest(socket)
        mia.send(t="hello", token="mia", table=7)
        assert mia.hear()["t"] == "ready"
        began = time.monotonic()
        process.process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as end:
            _collect_acks(mia, [])
        assert end.value.rcvd is not None
        assert end.value.rcvd.code == 1012
    assert process.process.wait(10) == 0
    assert time.monotonic() - began < 5


def test_a_second_signal_ends_the_process_at_once(process: Process) -> None:
    process.process.send_signal(signal.SIGSTOP)
    process.process.send_signal(signal.SIGTERM)
    process.process.send_signal(signal.SIGINT)
    process.process.send_signal(signal.SIGCONT)
    assert process.process.wait(5) in {128 + signal.SIGTERM, 128 + signal.SIGINT}


def _collect_acks(guest: Guest, acknowledged: list[str]) -> None:
    while True:
        frame = guest.hear()
        if frame["t"] == "ack":
            acknowledged.append(frame["client_id"])


def _refuses(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/livez", trust_env=False)
    except httpx.ConnectError:
        return True
    return False
