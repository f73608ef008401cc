"""The process that reads mails: its limits, its deaths, and the mail after."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tiski.channels.email import child
from tiski.channels.email.child import ParserChild
from tiski.channels.email.parsing import limits
from tiski.channels.email.parsing.model import Parsed, Request, Unparseable
from tiski.channels.email.parsing.reading import parse

MAILS = Path(__file__).parent / "mails"
LETTER = (MAILS / "reply-gmail-fi.eml").read_bytes()


@pytest.fixture
def parser() -> Iterator[ParserChild]:
    with ParserChild() as started:
        yield started


@pytest.mark.parametrize("file", sorted(MAILS.glob("*.eml")), ids=lambda file: file.stem)
def test_the_child_says_what_the_reader_says(file: Path) -> None:
    raw = file.read_bytes()
    try:
        expected: Parsed | str = parse(Request(raw=raw))
    except Unparseable as refused:
        expected = refused.reason

    try:
        answer: Parsed | str = child.parse(raw)
    except Unparseable as refused:
        answer = refused.reason
    assert answer == expected


def test_neither_side_loads_django() -> None:
    program = (
        "import sys, tiski.channels.email.child, tiski.channels.email.inspect, tiski.channels.email.parsing.reading\n"
        "sys.exit('django' in sys.modules)"
    )

    assert (
        subprocess.run([sys.executable, "-c", program], cwd=Path(child.__file__).parents[3], check=False).returncode
        == 0
    )


def test_a24_the_limits_apply_on_this_machine(parser: ParserChild) -> None:
    found = parser.limits_in_force()

    assert found["as"] == 512 * 1024 * 1024
    assert found["fsize"] == 0
    assert found["nofile"] == limits.OPEN_FILES
    assert 10 <= found["cpu"] <= 12
    assert found["memory_refused"] == 1
    assert child.problems_with_limits() == []


def test_the_child_knows_no_secret_of_ours(parser: ParserChild, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TISKI_DATABASE_URL", "postgresql://mia:secret@localhost/tiski")
    parser.parse(LETTER)

    assert b"secret" not in Path(f"/proc/{parser.pid}/environ").read_bytes()


def test_the_largest_mail_fits_into_the_memory(parser: ParserChild) -> None:
    top = b"From: ada@example.org\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    raw = top + (b"JVBE" * 19 + b"\r\n") * (limits.RAW_BYTES // 78 - 10)

    mail = parser.parse(raw)

    assert mail.attachments[0].size == 57 * (limits.RAW_BYTES // 78 - 10)


def test_a_mail_beyond_the_cap_does_not_even_start_the_child(parser: ParserChild) -> None:
    with pytest.raises(Unparseable, match="too_large"):
        parser.parse(b"x" * (limits.RAW_BYTES + 1))

    assert parser.pid is None


def test_a_child_found_dead_is_replaced(parser: ParserChild) -> None:
    expected = parser.parse(LETTER)
    first = parser.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    _wait_until_gone(first)

    assert parser.parse(LETTER) == expected
    assert parser.pid != first


@pytest.mark.parametrize(("ending", "reason"), [(signal.SIGKILL, "child_died"), (signal.SIGXCPU, "cpu_time_exceeded")])
def test_a24_a_child_that_dies_over_a_mail_costs_that_mail_alone(
    parser: ParserChild, ending: signal.Signals, reason: str
) -> None:
    expected = parser.parse(LETTER)
    pid = parser.pid
    assert pid is not None
    # Stopped, it holds the next mail until it is ended.
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(0.2, _end, [pid, ending]).start()

    with pytest.raises(Unparseable) as lost:
        parser.parse(LETTER)

    assert (lost.value.reason, lost.value.died) == (reason, True)
    assert parser.parse(LETTER) == expected


def test_a24_a_child_that_never_answers_is_ended_by_the_clock() -> None:
    with ParserChild(wall_seconds=5) as starting:
        starting.parse(LETTER)
        starting._wall_seconds = 0.2
        pid = starting.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)

        with pytest.raises(Unparseable) as lost:
            starting.parse(LETTER)

        assert (lost.value.reason, lost.value.died) == ("wall_time_exceeded", True)
        _wait_until_gone(pid)


def test_closing_ends_the_process_and_a_later_mail_starts_another(parser: ParserChild) -> None:
    parser.parse(LETTER)
    pid = parser.pid
    assert pid is not None
    parser.close()
    _wait_until_gone(pid)

    assert parser.parse(LETTER).visible_text.startswith("Hei Mia,")


def test_threads_take_turns(parser: ParserChild) -> None:
    names = [file.stem for file in sorted(MAILS.glob("reply-*.eml"))]
    found: dict[str, Parsed] = {}

    def read(name: str) -> None:
        for _ in range(5):
            found[name] = parser.parse((MAILS / f"{name}.eml").read_bytes())

    threads = [threading.Thread(target=read, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {name: mail.message_id for name, mail in found.items()} == {
        name: parse(Request(raw=(MAILS / f"{name}.eml").read_bytes())).message_id for name in names
    }


def _end(pid: int, ending: signal.Signals) -> None:
    os.kill(pid, ending)
    os.kill(pid, signal.SIGCONT)


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} is still there")
