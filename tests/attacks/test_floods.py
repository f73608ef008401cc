"""A54: what one visitor may cost the others. Short forms always; the full counts in `make soak`."""

from __future__ import annotations

import json
import socket
import statistics
import struct
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from threading import Event

import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from .instance import PROXY, SHOP, Instance, Visitor, ending, hear, say

pytestmark = pytest.mark.timeout(120)
STARTS_A_MINUTE = 20
SOCKETS_OF_AN_ADDRESS = 200
HANDSHAKES_A_MINUTE = 300
MEGABYTE = 1024 * 1024


def starts(instance: Instance, count: int, address: str, *, seconds: float = 0.0) -> Counter[int]:
    """Begin so many conversations from one address, each with a token of its own; the answers by status.

    Spread evenly over the seconds; without them as fast as it goes.
    """
    first = time.monotonic()
    with instance.browser(through=PROXY, **{"X-Forwarded-For": address}) as client:

        def begin(number: int) -> int:
            time.sleep(max(0.0, first + number * seconds / count - time.monotonic()))
            return Visitor(instance, http=client).say("Hei!").status_code

        with ThreadPoolExecutor(4) as pool:
            return Counter(pool.map(begin, range(count)))


class Bystander:
    """A shopper elsewhere who goes on talking, and how long each answer took."""

    def __init__(self, instance: Instance, address: str) -> None:
        self._visitor = Visitor(instance, from_address=address)
        self._enough = Event()
        self.seconds: list[float] = []
        self.statuses: Counter[int] = Counter()

    def talk(self) -> None:
        """A message every 1.2 s until told to stop, which is within a visitor's limits."""
        while not self._enough.is_set():
            began = time.monotonic()
            self.statuses[self._visitor.say("Minä vain kysyn.").status_code] += 1
            self.seconds.append(time.monotonic() - began)
            self._enough.wait(1.2)

    def stop(self) -> None:
        """Enough."""
        self._enough.set()


def flooded_by(
    instance: Instance, count: int, address: str, elsewhere: str, *, seconds: float = 0.0
) -> tuple[Counter[int], Bystander]:
    """What the flood was answered, and what a bystander saw of it."""
    bystander = Bystander(instance, elsewhere)
    with ThreadPoolExecutor(1) as pool:
        talking = pool.submit(bystander.talk)
        try:
            answers = starts(instance, count, address, seconds=seconds)
        finally:
            bystander.stop()
        talking.result(30)
    return answers, bystander


def test_a54_conversations_begun_from_one_address_are_limited_and_others_go_on(instance: Instance) -> None:
    began = time.monotonic()
    before = instance.ask("begun")
    answers, bystander = flooded_by(instance, 60, "192.0.2.54", "198.51.100.54")
    refilled = int((time.monotonic() - began) / 60 * STARTS_A_MINUTE) + 1
    assert set(answers) == {200, 429}
    assert STARTS_A_MINUTE <= answers[200] <= STARTS_A_MINUTE + refilled
    assert instance.ask("begun") == before + answers[200] + 1
    assert set(bystander.statuses) == {200}
    refused = Visitor(instance, from_address="192.0.2.54").say("Vielä yksi.")
    assert (refused.status_code, int(refused.headers["Retry-After"]) >= 1) == (429, True)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a54_a_thousand_starts_a_minute_leave_memory_and_other_visitors_alone(instance: Instance) -> None:
    quiet = Bystander(instance, "198.51.100.60")
    with ThreadPoolExecutor(1) as pool:
        talking = pool.submit(quiet.talk)
        time.sleep(15)
        quiet.stop()
        talking.result(30)
    memory = resident(instance)
    answers, bystander = flooded_by(instance, 1000, "192.0.2.55", "198.51.100.55", seconds=60)
    assert answers[200] + answers[429] == 1000
    assert set(bystander.statuses) == {200}
    assert statistics.quantiles(bystander.seconds, n=20)[-1] < max(0.25, 5 * max(quiet.seconds))
    assert resident(instance) - memory < 50 * MEGABYTE


def resident(instance: Instance) -> int:
    """Bytes of memory of the instance and its children."""
    process = psutil.Process(instance.process.pid)
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


def test_a54_a_hundred_messages_a_second_are_refused_and_then_closed(instance: Instance) -> None:
    visitor = Visitor(instance, from_address="192.0.2.56")
    line = visitor.enter()
    with suppress(ConnectionClosed):
        for number in range(200):
            line.send(json.dumps(visitor.frame(f"Viesti {number}")))
    heard, code = everything(line)
    assert code == 1008
    assert heard["ack"] <= 12  # ten at once, and what a slow machine lets come back meanwhile
    assert len(instance.ask("said_in", visitor.conversation)) <= 20


def everything(line: ClientConnection) -> tuple[Counter[str], int]:
    """How many frames of each kind came, refusals by their code, and how the other side closed."""
    heard: Counter[str] = Counter()
    try:
        while True:
            frame = json.loads(line.recv(timeout=20))
            heard[frame["code"] if frame["t"] == "refused" else frame["t"]] += 1
    except ConnectionClosed as end:
        return heard, end.rcvd.code if end.rcvd else 1006


DOORS = (f"/w/{SHOP}/live", f"/{SHOP}/live/")


@pytest.mark.parametrize("door", DOORS)
def test_a54_a_frame_of_ten_megabytes_closes_with_1009(instance: Instance, door: str) -> None:
    with bare(instance, door) as wire:
        wire.sendall(b"\x81\xff" + struct.pack("!Q", 10 * MEGABYTE) + bytes(4))
        close = wire.recv(4)
        assert (close[:1], close[2:]) == (b"\x88", struct.pack("!H", 1009))
    whole = instance.socket(door)
    with suppress(ConnectionClosed):
        whole.send("x" * 10 * MEGABYTE)
    assert ending(whole)[0] in {1009, 1006}  # the reset may overtake the close frame


def test_a54_a_hello_that_drips_byte_by_byte_does_not_keep_a_socket(instance: Instance) -> None:
    began = time.monotonic()
    with bare(instance, DOORS[0]) as wire:
        wire.settimeout(0.25)
        answer = drip(wire, b"\x81\xfe\x01\x00" + bytes(4) + b" " * 256)
    assert answer[:1] in {b"", b"\x88"}
    assert 4 < time.monotonic() - began < 25


def drip(wire: socket.socket, content: bytes) -> bytes:
    """Send a byte now and then; what came as an answer, empty when the other side hung up."""
    for byte in content:
        try:
            wire.sendall(bytes([byte]))
            return wire.recv(4096)
        except TimeoutError:
            continue
        except OSError:
            return b""
    raise AssertionError("everything was taken")


def bare(instance: Instance, door: str) -> socket.socket:
    """A connection after a successful handshake, without a library that would keep the rules."""
    wire = socket.create_connection(("localhost", instance.process.port), timeout=20)
    wire.sendall(
        f"GET {door} HTTP/1.1\r\nHost: localhost:{instance.process.port}\r\nOrigin: {instance.address}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += wire.recv(1)
    assert b" 101 " in answer
    return wire


def test_a54_one_address_holds_only_so_many_sockets(instance: Instance) -> None:
    """The limit in full: 200 at once; another address still gets in."""
    forwarded = {"X-Forwarded-For": "192.0.2.57"}
    with ExitStack() as held:
        for _ in range(SOCKETS_OF_AN_ADDRESS):
            held.enter_context(instance.socket(f"/w/{SHOP}/live", through=PROXY, **forwarded))
        with pytest.raises(InvalidStatus) as refused:
            instance.socket(f"/w/{SHOP}/live", through=PROXY, **forwarded)
        assert refused.value.response.status_code == 429
        other = Visitor(instance, from_address="198.51.100.57").line()
        visitor = Visitor(instance)
        say(other, t="hello", token=visitor.token, conversation=visitor.conversation, after=0)
        assert hear(other, "ready")["seq"] == 0


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a54_five_thousand_idle_sockets_from_one_address_are_not_held(instance: Instance) -> None:
    memory, statuses = resident(instance), Counter[int]()
    forwarded = {"X-Forwarded-For": "192.0.2.58"}
    with ExitStack() as held:
        for _ in range(5000):
            try:
                held.enter_context(instance.socket(f"/w/{SHOP}/live", through=PROXY, **forwarded))
                statuses[101] += 1
            except InvalidStatus as refused:
                statuses[refused.response.status_code] += 1
        assert set(statuses) == {101, 429}
        assert Visitor(instance, from_address="198.51.100.58").say("Mahdunko?").status_code == 200
    assert statuses[101] < 5000 * HANDSHAKES_A_MINUTE / 1000
    assert resident(instance) - memory < 50 * MEGABYTE
