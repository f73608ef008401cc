"""Two web, two live, two worker processes: each in turn is killed, drained and replaced while people go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tiski.testing import counter
from tiski.testing.chromium import Screen
from tiski.testing.cluster import EVERYONE, SERVING, Cluster
from tiski.testing.correspondence import ADA, PASSWORD, SHOP, connect, letters, submit, text_of
from tiski.testing.counter import answer, ask, row_of, said_to_agent, said_to_shopper
from tiski.testing.crossing import crossings
from tiski.testing.desk import Desk, demo_password
from tiski.testing.dovecot import Dovecot
from tiski.testing.instances import Record
from tiski.testing.ledger import Verdict
from tiski.testing.passers_by import PassersBy
from tiski.testing.ports import wait_until
from tiski.testing.postfix import Postfix
from tiski.testing.postgres import Postgres
from tiski.testing.redis import Redis
from tiski.testing.shoppers import Crowd

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(600)]

Open = Callable[..., Screen]
OWNER = "noor@teepuoti.example"


@dataclass(frozen=True, slots=True)
class Form:
    """How long a test goes on: `crossing` is the 95th percentile of the seconds between two live processes."""

    bus: str
    shoppers: int = 12
    rounds: int = 1
    messages: int = 40
    crossing: float = 5.0
    is_long: bool = False


def long(bus: str) -> Form:
    """The full form, with the limits of an undisturbed machine."""
    return Form(bus, shoppers=20, rounds=2, messages=300, crossing=0.3, is_long=True)


FORMS = [
    pytest.param(Form("postgresql"), id="short"),
    pytest.param(long("postgresql"), id="postgresql", marks=pytest.mark.soak),
    pytest.param(long("redis"), id="redis", marks=pytest.mark.soak),
]


@pytest.fixture(scope="module", params=FORMS)
def form(request: pytest.FixtureRequest) -> Form:
    """How long, and by which bus."""
    chosen: Form = request.param
    return chosen


@pytest.fixture(scope="module")
def running(form: Form, tmp_path_factory: pytest.TempPathFactory, durable_postgres: Postgres) -> Iterator[Cluster]:
    """The processes of this form."""
    folder = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        redis_url = stack.enter_context(Redis()).url if form.bus == "redis" else ""
        url = durable_postgres.create(f"cluster_{folder.name}")
        yield stack.enter_context(Cluster(folder, url, redis_url=redis_url, module="tiski.testing.lifted"))


@pytest.fixture
def cluster(running: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """All six processes up, and the certificate of their nginx believed."""
    monkeypatch.setenv("SSL_CERT_FILE", str(running.authority))
    running.mend()
    running.forget_failures()
    return running


def test_f38_every_process_is_replaced_under_load_and_nothing_fails(
    form: Form, cluster: Cluster, tmp_path: Path, record: Record
) -> None:
    with (
        Crowd(cluster.address, tmp_path, count=form.shoppers, pause=0.3) as crowd,
        PassersBy(cluster.address, trust=cluster.trust) as people,
    ):
        crowd.wait_until_open()
        for name in EVERYONE * form.rounds:
            cluster.drain(name)
            cluster.replace(name)
            crowd.wait_for(20)
        crowd.settle()
    waits = crowd.waits()
    p99 = waits[len(waits) * 99 // 100]
    record(
        acknowledged=len(waits),
        ack_p99_seconds=round(p99, 3),
        requests=len(people.seconds),
        slowest_request_seconds=round(max(people.seconds), 3),
        failed=len(people.failures),
    )
    assert crowd.judge(cluster.data, cluster.database_url) == Verdict()
    assert people.failures == []
    assert cluster.failures() == []
    assert p99 < 2


def test_f01_every_process_is_killed_under_load_and_nothing_acknowledged_is_lost_or_doubled(
    form: Form, cluster: Cluster, tmp_path: Path, record: Record
) -> None:
    victims = EVERYONE * form.rounds if form.is_long else ("live-1",)
    recoveries: list[float] = []
    with (
        Crowd(cluster.address, tmp_path, count=form.shoppers, pause=0.3) as crowd,
        PassersBy(cluster.address, trust=cluster.trust) as people,
    ):
        crowd.wait_until_open()
        for name in victims:
            moment = crowd.now()
            cluster.kill(name)
            cluster.replace(name)
            recoveries.append(crowd.steady_since(moment))
        crowd.settle()
    record(
        killed=len(victims),
        acknowledged=crowd.acknowledged,
        requests=len(people.seconds),
        failed_requests=people.failures,
        slowest_recovery_seconds=round(max(recoveries), 1),
    )
    assert crowd.judge(cluster.data, cluster.database_url) == Verdict()
    # Only what a process held in its hands when it was killed, and only forms: everything else was asked of the other.
    assert len(people.failures) <= len(victims), people.failures


def test_messages_cross_between_the_live_processes(form: Form, cluster: Cluster, record: Record) -> None:
    first, second = (cluster.processes[name].address for name in ("live-1", "live-2"))
    there = crossings(first, second, count=form.messages, longest=5.0)
    back = crossings(second, first, count=form.messages, longest=5.0)
    p95 = [seconds[len(seconds) * 95 // 100] for seconds in (there, back)]
    record(messages=len(there) + len(back), p95_seconds=round(max(p95), 4), slowest_seconds=round(max(there + back), 4))
    assert max(p95) <= form.crossing


@pytest.mark.browser
def test_two_browsers_chat_on_while_each_process_goes_away(open_screen: Open, form: Form, cluster: Cluster) -> None:
    agent = counter.sign_in(open_screen(any_certificate=True), cluster.address, demo_password(cluster.data))
    shopper = counter.visit(open_screen(any_certificate=True), cluster.address)
    agent.expect_trouble(counter.GONE)
    shopper.expect_trouble(counter.GONE)
    said = ["Onko ketään paikalla?"]
    ask(shopper.page, said[0])
    row_of(agent.page, said[0]).locator("a").click()
    expect(agent.page.locator(".thread")).to_contain_text(said[0])
    ways = [(cluster.kill, name) for name in EVERYONE[::2]]
    ways += [(cluster.drain, name) for name in EVERYONE[1::2]] if form.is_long else []
    for number, (way, name) in enumerate(ways, start=1):
        cluster.wait_until_ready(SERVING)
        way(name)
        said += [f"Kuuluuko vielä, kysymys {number}?", f"Kuuluu, vastaus {number}."]
        ask(shopper.page, said[-2])
        expect(agent.page.locator(".thread")).to_contain_text(said[-2], timeout=40_000)
        answer(agent.page, said[-1])
        expect(shopper.page.locator("tiski-chat")).to_contain_text(said[-1], timeout=40_000)
        cluster.launch(name)
    assert said_to_shopper(shopper.page) == said
    assert said_to_agent(agent.page) == said
    shopper.page.reload()
    expect(shopper.page.locator("tiski-chat")).to_contain_text(said[-1], timeout=20_000)
    assert said_to_shopper(shopper.page) == said


@pytest.mark.mail
def test_mail_comes_and_goes_once_while_each_worker_goes_away(form: Form, cluster: Cluster) -> None:
    with (
        Dovecot(dict.fromkeys((SHOP, ADA), PASSWORD)) as dovecot,
        Postfix(dovecot) as postfix,
        Desk(cluster.address, email=OWNER, password=demo_password(cluster.data), trust=cluster.trust) as desk,
    ):
        connect(desk, SHOP, dovecot, postfix, acknowledges="")
        known = desk.conversations()
        # A killed worker keeps its mailbox until its lease runs out, a drained one gives it back (I8: 60 s).
        way, patience = (cluster.kill, 120) if form.is_long else (cluster.drain, 60)
        for number, name in enumerate(("worker-1", "worker-2"), start=1):
            question = submit(postfix, f"Kysymys {number}.", subject=f"Tilaus {number}")
            way(name)
            wait_until(lambda number=number: _ids(desk, known, number), f"mail {number}", seconds=patience)  # type: ignore[misc]
            desk.reply(max(_ids(desk, known, number)), f"Vastaus {number}.")
            wait_until(lambda number=number: len(letters(dovecot, ADA)) == number, "the answer", seconds=patience)  # type: ignore[misc]
            assert letters(dovecot, ADA)[-1]["In-Reply-To"] == question["Message-ID"]
            cluster.replace(name)
        assert [text_of(letter).split("\n")[0] for letter in letters(dovecot, ADA)] == ["Vastaus 1.", "Vastaus 2."]
        assert len(set(desk.conversations()) - set(known)) == 2


def _ids(desk: Desk, known: list[int], count: int) -> set[int]:
    """The conversations that are new, once there are so many."""
    new = set(desk.conversations()) - set(known)
    return new if len(new) >= count else set()
