"""F24, F37: a stop in order while everybody talks, and everybody coming back at once."""

from __future__ import annotations

import socket
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tiski.testing.instances import Record
from tiski.testing.ledger import Verdict
from tiski.testing.premises import Premises
from tiski.testing.shoppers import Crowd
from tiski.testing.tiski_process import TiskiProcess

pytestmark = [pytest.mark.both, pytest.mark.timeout(240)]

RESTART = 1012
STOP_SECONDS = 30.0
BACK_SECONDS = 60.0
IN_FLIGHT = 40


def test_f37_a_stop_answers_what_it_took_hangs_up_with_1012_and_loses_nothing(
    shop: Premises, tmp_path: Path, record: Record
) -> None:
    with shop.process() as tiski, Crowd(tiski.address, tmp_path, count=20, pause=0.01) as crowd:
        crowd.steady_since(crowd.now())
        pages = [ask(tiski) for _ in range(IN_FLIGHT)]
        began = time.monotonic()
        code = tiski.stop(seconds=STOP_SECONDS + 10)
        seconds = time.monotonic() - began
        closes = sum((visitor.closes for visitor in crowd.visitors), Counter[int]())
        answers = Counter(answer(page) for page in pages)
        tiski.start()
        recovery = crowd.steady_since(crowd.now())
        crowd.settle()
        verdict = crowd.judge(shop.data, shop.database_url)
    record(
        stop_seconds=round(seconds, 1),
        closed_with_1012=closes[RESTART],
        pages=dict(answers),
        acknowledged=crowd.acknowledged,
        lost=len(verdict.lost),
        recovery_seconds=round(recovery, 1),
    )
    assert verdict == Verdict()
    assert (code, seconds < STOP_SECONDS) == (0, True)
    assert closes[RESTART] == 20
    assert answers == {"HTTP/1.1 200 OK": IN_FLIGHT}


def ask(tiski: TiskiProcess) -> socket.socket:
    """Send the request for a page of the shop; nobody has read it yet when this returns."""
    page = socket.create_connection(("127.0.0.1", tiski.port), timeout=STOP_SECONDS)
    page.sendall(f"GET /demo/ HTTP/1.1\r\nHost: localhost:{tiski.port}\r\n\r\n".encode())
    return page


def answer(page: socket.socket) -> str:
    """The first line of what came, empty when the connection was closed without a word."""
    with page, suppress(ConnectionError), page.makefile("rb") as lines:
        return lines.readline().decode().strip()
    return ""


def come_back(shop: Premises, folder: Path, sockets: int, *, seconds_to_open: float) -> dict[str, object]:
    """Restart under so many sockets; when the first and the last are back, and what it costs."""
    with shop.process() as tiski, Crowd(tiski.address, folder, count=sockets, talking=False) as crowd:
        crowd.wait_until_open(seconds=seconds_to_open)
        assert tiski.stop() == 0
        crowd.wait_until_closed()
        began = crowd.now()
        tiski.start()
        up = crowd.now()
        crowd.wait_until_open(seconds=BACK_SECONDS - (crowd.now() - began))
        back = crowd.now()
        busy = psutil.Process(tiski.pid).cpu_times()
        spread = sorted(visitor.opened_at - up for visitor in crowd.visitors)
        crowd.speak()
        crowd.wait_for(sockets, seconds=120)
        crowd.settle()
        verdict = crowd.judge(shop.data, shop.database_url)
    assert verdict == Verdict()
    return {
        "sockets": sockets,
        "all_back_seconds": round(back - began, 1),
        "half_back_seconds_after_start": round(spread[sockets // 2], 1),
        "server_cpu_seconds": round(busy.user + busy.system, 1),
        "acknowledged": crowd.acknowledged,
        "lost": len(verdict.lost),
    }


def test_f24_a_hundred_and_fifty_sockets_are_back_within_a_minute(
    shop: Premises, tmp_path: Path, record: Record
) -> None:
    record(**come_back(shop, tmp_path, 150, seconds_to_open=60))


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_f24_three_thousand_sockets_are_back_within_a_minute(shop: Premises, tmp_path: Path, record: Record) -> None:
    record(**come_back(shop, tmp_path, 3000, seconds_to_open=240))
