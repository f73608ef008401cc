"""`/metrics` of a running Tiski: exact numbers, nobody's names, and nobody reads it who should not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from django.test import override_settings
from prometheus_client.parser import text_string_to_metric_families

from tiski.config import metrics
from tiski.testing.ports import free_port, wait_until
from tiski.testing.premises import Premises
from tiski.testing.shoppers import Crowd
from tiski.testing.tiski_process import TiskiProcess

pytestmark = [pytest.mark.both, pytest.mark.timeout(180)]

TOKEN = "kannu-kuumaa-vihreaa"
SERVER = ("process", "live-web")
CHAT = ("writer", "chat")
Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def tiski(shop_of_module: Premises) -> Iterator[TiskiProcess]:
    """An instance whose metrics may be read with a token, shared by the tests here: they look at differences."""
    with shop_of_module.product(environment={"TISKI_METRICS_TOKEN": TOKEN}) as process:
        yield process


def scrape(address: str, **headers: str) -> httpx.Response:
    """Ask for the metrics."""
    return httpx.get(f"{address}/metrics", headers=headers, timeout=20, trust_env=False)


def numbers(address: str) -> Numbers:
    """Every sample by name and labels."""
    answer = scrape(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def number(found: Numbers, name: str, *labels: tuple[str, str]) -> float:
    """One sample; 0 when it has not happened yet."""
    return found.get((name, frozenset(labels)), 0.0)


def test_two_messages_one_of_them_sent_again_change_exactly_these_numbers(
    tiski: TiskiProcess, tmp_path: Path, shop_of_module: Premises
) -> None:
    with Crowd(tiski.address, tmp_path, count=1, talking=False) as crowd:
        crowd.wait_until_open()
        [ada] = crowd.visitors
        before = numbers(tiski.address)
        twice = uuid4().hex
        for client_id in (twice, uuid4().hex, twice):
            told = crowd.do(ada.say(client_id=client_id))
            wait_until(told.done, "an acknowledgement", seconds=30)
        wait_until(lambda: _is_at_rest(numbers(tiski.address)), "the worker answers and has nothing to do", seconds=60)
        after = numbers(tiski.address)
    grown = {
        (name, *sorted(labels - {SERVER, CHAT})): number(after, name, *labels) - number(before, name, *labels)
        for name, labels in after
        if SERVER in labels and name.startswith("tiski_")
    }
    assert grown[("tiski_ack_seconds_count",)] == 3
    assert grown[("tiski_ack_seconds_bucket", ("le", "+Inf"))] == 3
    assert grown[("tiski_group_size_count",)] == 3
    assert grown[("tiski_group_size_sum",)] == 3
    assert grown[("tiski_duplicates_refused_total", ("channel", "chat"))] == 1
    assert (grown[("tiski_frames_total",)], grown[("tiski_bad_frames_total",)]) == (3, 0)
    assert [grown[(name,)] for name in ("tiski_commits_failed_total", "tiski_resyncs_total")] == [0, 0]
    assert number(after, "tiski_sockets", SERVER) - number(before, "tiski_sockets", SERVER) == 0
    assert number(after, "tiski_queue_length", SERVER, CHAT) == 0
    assert number(after, "tiski_dead_letters") == 0
    assert number(after, "tiski_disk_free_bytes") > 0
    assert (("tiski_wal_bytes", frozenset()) in after) == (not shop_of_module.database_url)


def _is_at_rest(found: Numbers) -> bool:
    """The worker's own numbers come through the server."""
    has_worker = ("process_cpu_seconds_total", frozenset({("process", "worker")})) in found
    return has_worker and number(found, "tiski_deliveries_due") == 0


def test_a_client_that_comes_back_counts_as_a_reconnect(tiski: TiskiProcess, tmp_path: Path) -> None:
    with Crowd(tiski.address, tmp_path, count=1, talking=False) as crowd:
        crowd.wait_until_open()
        [ada] = crowd.visitors
        wait_until(crowd.do(ada.say()).done, "an acknowledgement", seconds=30)
        before = numbers(tiski.address)
        crowd.do(ada.hang_up())
        wait_until(lambda: ada.connects == 2 and ada.is_open, "the second socket", seconds=30)
        after = numbers(tiski.address)
    for name in ("tiski_reconnects_total", "tiski_sockets_opened_total"):
        assert number(after, name, SERVER) - number(before, name, SERVER) == 1


def test_nobody_reads_them_through_a_proxy_or_from_a_page_and_the_token_opens_everywhere(tiski: TiskiProcess) -> None:
    refused = [
        {"x-forwarded-for": "203.0.113.7"},
        {"forwarded": "for=203.0.113.7"},
        {"via": "1.1 kassa"},
        {"origin": "https://evil.example"},
        {"host": f"evil.example:{tiski.port}"},
        {"authorization": "Bearer arvaus"},
        {"authorization": "Bearer"},
        {"authorization": "Basic dGVlOnRlZQ=="},
    ]
    answers = [scrape(tiski.address, **headers) for headers in refused]
    assert [(answer.status_code, answer.text) for answer in answers] == [(404, "There is nothing here.\n")] * 8
    through_a_proxy = scrape(tiski.address, authorization=f"Bearer {TOKEN}", host="tiski.internal:9", via="1.1 kassa")
    assert through_a_proxy.status_code == 200
    assert httpx.post(f"{tiski.address}/metrics", trust_env=False).status_code == 404


def test_no_name_of_a_shop_or_a_person_is_in_them(tiski: TiskiProcess) -> None:
    text = scrape(tiski.address).text.lower()
    assert [word for word in ("teepuoti", "noor", "mia", "ada", "@", "example") if word in text] == []


@override_settings(TISKI_METRICS_TOKEN="", TISKI_METRICS_NETWORKS=["10.1.0.0/16"])
def test_without_a_token_only_the_configured_networks_read_them() -> None:
    host = {"host": "10.1.0.9:8000"}
    assert metrics.may_read("10.1.0.7", host)
    assert not metrics.may_read("127.0.0.1", host)
    assert not metrics.may_read("nowhere", host)
    for header in ("Bearer", "Bearer ", "Bearer None"):
        assert not metrics.may_read("10.1.0.7", {**host, "authorization": header})


def test_a_worker_alone_answers_on_its_own_port(data_folder: Path, database_url: str) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {"TISKI_WORKER_PORT": str(port)}
    with TiskiProcess(data_folder, command="worker", database_url=database_url, environment=environment):
        wait_until(lambda: _answers(address), "the worker's door", seconds=60)
        found = numbers(address)
        assert httpx.get(f"{address}/readyz", trust_env=False).text == "ok\n"
        assert scrape(address, via="1.1 kassa").status_code == 404
    assert number(found, "process_open_fds", ("process", "worker")) > 0
    assert number(found, "tiski_outbox_uncertain") == 0


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/livez", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
