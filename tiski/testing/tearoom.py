"""A tea room on the live half: one door, one route, numbered lines stored by a real writer, for tests of the kernel.

Guests sit at tables (topics `table-7`), say things that everyone at the table hears in order, and read the news.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, ClassVar

import msgspec
from django.db import connection, transaction
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tiski.config import server
from tiski.kernel import live
from tiski.kernel.action import SYSTEM
from tiski.kernel.batch import Gatherer
from tiski.kernel.errors import NotAllowed, NotFound
from tiski.kernel.events import Emission, Event, emit_many, stream
from tiski.kernel.events.event import FactRow

SHOP = 1
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Event):
    """A guest said something at a table."""

    name: ClassVar[str] = "tests.said"
    table: int
    seq: int
    body: str

    @property
    def subject(self) -> str:
        """The table's topic."""
        return f"table-{self.table}"

    @property
    def ring(self) -> bool:
        """Loud words ring."""
        return self.body.isupper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Banned(Event):
    """A guest may no longer sit at some tables."""

    name: ClassVar[str] = "tests.banned"
    guest: str


class Hello(live.Frame, tag="hello"):
    """Comes in with a name as the token, sits down at a table, reads news about topics."""

    token: str
    table: int | None = None
    after: int | None = None
    topics: list[str] = []


class Say(live.Frame, tag="message"):
    """Something said at the guest's table."""

    client_id: str
    body: str


class Watch(live.Frame, tag="watch"):
    """More news, please."""

    topics: list[str]


class Writing(live.Frame, tag="typing"):
    """The guest is about to say something."""


class Heard(live.Frame, tag="message"):
    """Something said at the table."""

    seq: int
    body: str


class Ack(live.Frame, tag="ack"):
    """What the guest said is stored."""

    client_id: str
    seq: int


class Table(live.Frame, tag="ready"):
    """What was said so far."""

    seq: int
    said: list[str] = []


def store(items: Sequence[tuple[int, str]]) -> list[int | Exception]:
    """Store what was said, numbered per table, in one transaction; the word "poison" fails the whole batch."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            connection.cursor().execute("SELECT pg_advisory_xact_lock(1)")  # SQLite's writers queue by themselves
        if any(body == "poison" for _, body in items):
            raise ValueError("poison")
        following: dict[int, Any] = {}
        seqs = [next(following.setdefault(table, itertools.count(last_seq(table) + 1))) for table, _ in items]
        said = [Said(table=table, seq=seq, body=body) for (table, body), seq in zip(items, seqs, strict=True)]
        emit_many([Emission(SHOP, event, SYSTEM) for event in said])
    return list(seqs)


def say(table: int, body: str) -> int:
    """Store one line from this thread, as another process would: the sockets hear of it through the relay."""
    seq = store([(table, body)])[0]
    stream.publish()
    assert isinstance(seq, int)
    return seq


def ban(guest: str, *tables: int) -> None:
    """Forbid a guest some tables; with none, the whole room."""
    banned[guest] = set(tables)
    with transaction.atomic():
        emit_many([Emission(SHOP, Banned(guest=guest), SYSTEM)])
    stream.publish()


def lines(table: int, after: int = 0) -> list[tuple[int, str]]:
    """What was said at a table after a seq."""
    stream.publish()  # a relay that has stopped gives no more positions
    facts = [fact for fact in stream.after(0, 10_000) if fact.subject == f"table-{table}"]
    return [(fact.data["seq"], fact.data["body"]) for fact in facts if fact.data["seq"] > after]


def last_seq(table: int) -> int:
    """How far a table has got."""
    from tiski.kernel.models import Fact

    newest = Fact.objects.filter(subject=f"table-{table}").order_by("-id").values_list("data", flat=True).first()
    return newest["seq"] if newest else 0


writer: Gatherer[tuple[int, str], int] = Gatherer("tearoom", store)
banned: dict[str, set[int]] = {}
page_size = 1000


class TeaDoor(live.Door[live.Principal]):
    """Guests whose name is not on the list of the banned."""

    path = "/tearoom/<room>/live"
    hello, frames = Hello, (Say, Watch, Writing)
    pace = live.Pace(burst=20, per_second=10)

    def origins(self, knock: live.Knock) -> Collection[str] | None:
        """The tea shop's pages and our own."""
        if knock.params["room"] != "teepuoti":
            return None
        return {"https://teepuoti.fi", live.OWN_ORIGIN}

    def enter(self, knock: live.Knock, hello: Hello) -> live.Principal:
        """The guest by that name."""
        if hello.token == "nobody":
            raise NotAllowed
        if hello.token == "expired":
            raise live.Close(live.LOGIN_EXPIRED, "sign in again")
        return live.Principal(id=f"guest-{hello.token}", shop_id=SHOP, name=hello.token.title(), language="en")

    def recheck(self, principal: live.Principal) -> live.Principal | None:
        """Still welcome, unless banned from everything."""
        return None if banned.get(principal.id) == set() else principal

    async def opened(self, session: live.Session[live.Principal], hello: Hello) -> None:
        """Sit down, hear what was said, read the news."""
        session.state = hello.table
        if hello.table is None:
            head = await live.hub.watch(session, hello.topics, hello.after)
            session.send(live.encode(live.Ready(seq=head)))
            return
        read = partial(_first_load, hello.table, hello.after or 0)
        await live.hub.following.open(session, f"table-{hello.table}", read)
        live.hub.presence.here(session, f"table-{hello.table}")

    def handle(self, session: live.Session[live.Principal], frame: Any) -> Any:
        """Say, watch or be about to say."""
        if isinstance(frame, Say):
            writer.put((session.state, frame.body), partial(_told, session, frame.client_id))
        elif isinstance(frame, Watch):
            return self._watch(session, frame.topics)
        else:
            live.hub.presence.here(session, f"table-{session.state}", writing=True)
        return None

    async def _watch(self, session: live.Session[live.Principal], topics: list[str]) -> None:
        head = await live.hub.watch(session, topics)
        session.send(live.encode(live.Ready(seq=head)))

    def missed(self, principal: live.Principal, topic: str, after: int) -> list[tuple[int, bytes]]:
        """What the guest did not hear."""
        found = lines(int(topic.removeprefix("table-")), after)[:page_size]
        return [(seq, live.encode(Heard(seq=seq, body=body))) for seq, body in found]


def _first_load(table: int, after: int) -> tuple[int, bytes]:
    found = lines(table, after)
    reached = found[-1][0] if found else after
    return reached, live.encode(Table(seq=reached, said=[body for _, body in found]))


def _told(session: live.Session[live.Principal], client_id: str, result: int | Exception) -> None:
    if isinstance(result, Exception):
        session.refuse(result, client_id)  # type: ignore[arg-type]
        return
    topic = f"table-{session.state}"
    live.hub.following.own(session, topic, result)
    session.send(live.encode(Ack(client_id=client_id, seq=result)))
    live.hub.following.notify(SHOP, topic, result)


def _may_watch(principal: live.Principal, table: int | None) -> bool:
    return table != 13 and table not in banned.get(principal.id, ())


def _seq_of(fact: FactRow) -> tuple[str, int]:
    return fact.subject, fact.data["seq"]


@live.route("POST", "/tearoom/<room>/words/", cors=TeaDoor().origins, body=1000)
async def receive_words(request: live.Request) -> live.Response:
    """The same without a socket."""
    if not request.bearer:
        raise NotFound
    word = msgspec.json.decode(await request.body(), type=Say)
    seq = await writer.write((1, word.body))
    return live.Response.json(Ack(client_id=word.client_id, seq=seq))


@live.route("GET", "/tearoom/<room>/news/")
async def read_news(request: live.Request) -> live.Response:
    """The poll of those without sockets."""
    guest = live.Principal(id="guest-mia", shop_id=SHOP)
    missed = await live.hub.missed(guest, request.query.get("topics", "").split(","), int(request.query["after"]))
    return live.Response.json({"seq": missed.head, "resync": missed.resync, "news": missed.news})


live.open_door(TeaDoor())
live.hub.topics.register_topic("table", _may_watch)
live.hub.topics.register_topic("room", lambda principal, _: True)
live.hub.topics.register_parent("table", "room")
live.hub.topics.register_epoch(Banned.name, lambda fact: [fact.data["guest"]])
live.hub.topics.register_seq(Said.name, _seq_of)


class Guest:
    """A client of the tea room's socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def send(self, **frame: Any) -> None:
        """Send one frame."""
        self.socket.send(msgspec.json.encode(frame).decode())

    def hear(self, seconds: float = 5.0) -> dict[str, Any]:
        """The next frame that is not a beat; raises TimeoutError when none comes, ConnectionClosed at the end."""
        frame = self.hear_all(seconds)
        while frame["t"] == "beat":
            frame = self.hear_all(seconds)
        return frame

    def hear_all(self, seconds: float = 5.0) -> dict[str, Any]:
        """The next frame, beats included."""
        frame: dict[str, Any] = msgspec.json.decode(self.socket.recv(timeout=seconds))
        return frame

    def hear_nothing(self, seconds: float = 0.3) -> bool:
        """Whether no frame comes for a while."""
        try:
            self.hear(seconds)
        except TimeoutError:
            return True
        return False


class Tearoom:
    """The live half alone on a free port, in a thread of this process."""

    def __init__(self, limits: live.Limits | None = None) -> None:
        banned.clear()
        self._limits = limits or live.Limits()
        self._listener = server.listen(HOST, 0)
        self.port = int(self._listener.getsockname()[1])
        self._up = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._guests = ExitStack()
        self.server = server.build({server.LIVE}, self._opened)
        self._thread = threading.Thread(target=self.server.run, args=([self._listener],), name="tearoom")

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The room's event loop, for what may only happen there."""
        return self._loop

    @property
    def address(self) -> str:
        """Where it is reached by HTTP."""
        return f"http://{HOST}:{self.port}"

    def __enter__(self) -> Tearoom:
        live.app.sockets.limits = self._limits
        self._thread.start()
        if not self._up.wait(20):
            raise TimeoutError("the tea room did not open")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop in order, as on SIGTERM, after the guests have gone."""
        self._guests.close()
        self.server.should_exit = True
        self._thread.join(30)
        if self._thread.is_alive():
            raise TimeoutError("the tea room did not close")

    def _opened(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._up.set()

    def knock(self, path: str = "/tearoom/teepuoti/live", origin: str = "https://teepuoti.fi", **options: Any) -> Guest:
        """Open a socket without saying hello."""
        address = f"ws://{HOST}:{self.port}{path}"
        sender = Origin(origin) if origin else None
        opening = connect(address, origin=sender, compression=None, proxy=None, max_size=None, **options)
        return Guest(self._guests.enter_context(opening))

    def enter(self, token: str = "mia", **hello: Any) -> Guest:
        """Open a socket and say hello."""
        guest = self.knock()
        guest.send(t="hello", token=token, **hello)
        return guest
