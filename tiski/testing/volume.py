"""A busy shop's past, written straight into the tables: a hundred thousand conversations and a million messages.

    fill(world.shop, agents=[world.mia.id, world.noor.id], account_id=world.widget.id, conversations=100_000)

For benchmarks and load tests only: no facts, no deliveries, no policies. What the inbox and the thread read is complete
and consistent: numbers without gaps, last messages, waiting times, closures, read marks.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction

from tiski.accounts.models import Shop
from tiski.customers.models import Customer
from tiski.kernel import rows

CHUNK = 5_000
LATEST = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
FIRST_NAMES = ("Ada", "Aino", "Eero", "Elsa", "Erik", "Jari", "Liisa", "Mikko", "Oona", "Pekka", "Sanna", "Tuomas")
LAST_NAMES = ("Virtanen", "Korhonen", "Mäkinen", "Nieminen", "Lindqvist", "Holm", "Laine", "Salo", "Aho", "Heikkilä")
QUESTIONS = (
    "Onko teillä vihreää teetä irtona? Tarvitsisin sata grammaa.",
    "Milloin tilaukseni {number} lähtee? Odotan sitä viikonlopuksi.",
    "Paketista puuttui toinen kuppi. Voitteko lähettää sen perässä?",
    "Voinko vaihtaa senchan matchaan, jos paketti on avaamatta?",
    "Hej, var är mitt paket {number}?",
    "Kiitos nopeasta avusta!",
)
ANSWERS = (
    "Hei! Kyllä löytyy, laitan sinulle linkin.",
    "Tilaus {number} lähti tänään, Posti tuo sen huomenna.",
    "Olen pahoillani! Lähetän puuttuvan kupin heti.",
    "Ole hyvä, mukavaa teehetkeä!",
)
CUSTOMER = ("id", "shop_id", "name", "folded_name", "language", "created_at")
IDENTITY = ("shop_id", "customer_id", "kind", "value", "shown", "created_at")
CONVERSATION = (
    *("id", "shop_id", "uuid", "customer_id", "channel_account_id", "subject", "language", "assignee_id", "last_seq"),
    *(
        "customer_seq",
        "customer_read_seq",
        "last_message_id",
        "last_message_at",
        "waiting_since",
        "opened_at",
        "closed_at",
    ),
)
MESSAGE = (
    *("id", "shop_id", "conversation_id", "seq", "client_id", "kind", "author_kind", "agent_id", "customer_id"),
    *("channel_account_id", "body", "html_version", "source_id", "is_automatic", "meta", "created_at"),
)
CLOSURE = ("shop_id", "conversation_id", "closed_at", "closed_by_kind", "closed_by_id", "reopened_by_kind")
READ_MARK = ("shop_id", "conversation_id", "agent_id", "seq", "updated_at")


@dataclass(frozen=True, slots=True)
class Filled:
    """What was written."""

    conversations: int
    messages: int
    first_conversation_id: int


@dataclass(slots=True)
class _Sheets:
    """Rows waiting to be written, by table."""

    customers: list[tuple[Any, ...]] = field(default_factory=list)
    identities: list[tuple[Any, ...]] = field(default_factory=list)
    conversations: list[tuple[Any, ...]] = field(default_factory=list)
    messages: list[tuple[Any, ...]] = field(default_factory=list)
    closures: list[tuple[Any, ...]] = field(default_factory=list)
    read_marks: list[tuple[Any, ...]] = field(default_factory=list)


def fill(
    shop: Shop,
    *,
    agents: Sequence[int],
    account_id: int,
    conversations: int = 100_000,
    messages_each: int = 10,
    open_share: float = 0.2,
    seed: int = 7,
) -> Filled:
    """Write so many conversations of about `messages_each` messages, the newest ending now; the same every time."""
    draw = random.Random(seed)
    customer_id, conversation_id, message_id = (_last(table) for table in ("customers_customer", *_TABLES[:2]))
    first, written = conversation_id + 1, 0
    for start in range(0, conversations, CHUNK):
        sheets = _Sheets()
        for number in range(start, min(start + CHUNK, conversations)):
            customer_id, conversation_id = customer_id + 1, conversation_id + 1
            count = draw.randint(1, 2 * messages_each - 1)
            ended = LATEST - timedelta(seconds=90 * (conversations - number))
            _customer(sheets, draw, shop_id=shop.id, customer_id=customer_id, at=ended)
            seat = _Seat(shop.id, account_id, agents, conversation_id, customer_id, message_id, count, ended)
            _conversation(sheets, draw, seat, is_open=draw.random() < open_share)
            message_id, written = message_id + count, written + count
        _write(sheets)
    _move_sequences()
    return Filled(conversations, written, first)


@dataclass(frozen=True, slots=True)
class _Seat:
    """Where one conversation's rows go."""

    shop_id: int
    account_id: int
    agents: Sequence[int]
    conversation_id: int
    customer_id: int
    before_message: int
    count: int
    ended: datetime


def _customer(sheets: _Sheets, draw: random.Random, *, shop_id: int, customer_id: int, at: datetime) -> None:
    name = f"{draw.choice(FIRST_NAMES)} {draw.choice(LAST_NAMES)}"
    moment = rows.moment(at)
    sheets.customers.append((customer_id, shop_id, name, Customer.folded(name), "fi", moment))
    email = f"{name.lower().replace(' ', '.').replace('ä', 'a')}.{customer_id}@example.fi"
    sheets.identities.append((shop_id, customer_id, "email", email, email, moment))


def _conversation(sheets: _Sheets, draw: random.Random, seat: _Seat, *, is_open: bool) -> None:
    assignee = draw.choice([*seat.agents, None])
    customer_seq, waiting = 0, None
    for seq in range(1, seat.count + 1):
        at = rows.moment(seat.ended - timedelta(minutes=3 * (seat.count - seq)))
        by_agent = seq > 1 and draw.random() < 0.5
        waiting = None if by_agent else waiting or at
        customer_seq = customer_seq if by_agent else seq
        agent = (assignee or seat.agents[0]) if by_agent else None
        sheets.messages.append(_message(draw, seat, seq=seq, agent=agent, at=at))
    ended = rows.moment(seat.ended)
    closed = None if is_open else ended
    sheets.conversations.append(
        (
            *(seat.conversation_id, seat.shop_id, _uuid(draw), seat.customer_id, seat.account_id, "", "fi", assignee),
            *(seat.count, customer_seq, 0, seat.before_message + seat.count, ended),
            *(waiting if is_open else None, ended, closed),
        )
    )
    if closed:
        sheets.closures.append((seat.shop_id, seat.conversation_id, closed, "agent", seat.agents[0], ""))
    if draw.random() < 0.5:
        sheets.read_marks.append(
            (seat.shop_id, seat.conversation_id, seat.agents[0], draw.randint(1, seat.count), ended)
        )


def _message(draw: random.Random, seat: _Seat, *, seq: int, agent: int | None, at: Any) -> tuple[Any, ...]:
    body = draw.choice(ANSWERS if agent else QUESTIONS).format(number=draw.randint(10_000, 99_999))
    author = ("agent", agent, None) if agent else ("customer", None, seat.customer_id)
    return (
        *(seat.before_message + seq, seat.shop_id, seat.conversation_id, seq, _uuid(draw), "message", *author),
        *(seat.account_id, body, 0, "", False, "{}", at),
    )


_TABLES = ("conversations_conversation", "conversations_message")


def _write(sheets: _Sheets) -> None:
    with transaction.atomic():
        _insert("customers_customer", CUSTOMER, sheets.customers)
        _insert("customers_identity", IDENTITY, sheets.identities)
        _insert("conversations_conversation", CONVERSATION, sheets.conversations)
        _insert("conversations_message", MESSAGE, sheets.messages)
        _insert("conversations_closure", CLOSURE, sheets.closures)
        _insert("conversations_readmark", READ_MARK, sheets.read_marks)


def _insert(table: str, columns: Sequence[str], found: Iterable[tuple[Any, ...]]) -> None:
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in found:
                    copy.write_row(row)
            return
        statement = f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(columns))})"
        for chunk in _chunks(found):
            cursor.executemany(statement, chunk)


def _chunks(found: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    rest = iter(found)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _last(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}")
        return int(cursor.fetchone()[0])


def _move_sequences() -> None:
    """PostgreSQL's counters go on after ids that were given by hand, and its planner knows the tables as in real use.

    Nobody analyses a SQLite database of Tiski's: figures of a day on which a table was small make its planner read all
    of it for each row later, while without any it goes by the indexes.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for table in ("customers_customer", *_TABLES):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT MAX(id) FROM {table}))")
        cursor.execute("ANALYZE")


def _uuid(draw: random.Random) -> str:
    return uuid.UUID(int=draw.getrandbits(128), version=4).hex
