"""A shopper and an agent in two browsers: live, through a killed server, on a phone, and with sockets blocked."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tiski.testing import counter
from tiski.testing.chromium import PHONE, Screen
from tiski.testing.counter import GONE, answer, ask, row_of, said_to_agent, said_to_shopper
from tiski.testing.desk import demo_password
from tiski.testing.premises import Premises
from tiski.testing.tiski_process import TiskiProcess

pytestmark = [pytest.mark.browser, pytest.mark.both, pytest.mark.timeout(180)]

Open = Callable[..., Screen]


@pytest.fixture
def tiski(shop: Premises) -> Iterator[TiskiProcess]:
    """An instance with its demo shop for each journey."""
    with shop.product() as process:
        yield process


def sign_in(open_screen: Open, tiski: TiskiProcess, **options: object) -> Screen:
    """Mia at her desk, in the open conversations."""
    return counter.sign_in(open_screen(**options), tiski.address, demo_password(tiski.data))


def visit(open_screen: Open, tiski: TiskiProcess, **options: object) -> Screen:
    """A shopper on the front page with the chat open."""
    return counter.visit(open_screen(**options), tiski.address)


def test_a_message_reaches_the_agent_within_a_second_and_the_answer_comes_back(
    open_screen: Open, tiski: TiskiProcess
) -> None:
    agent, shopper = sign_in(open_screen, tiski), visit(open_screen, tiski)
    seconds = []
    asked = ["Hei!", "Kiitos viimeisestä.", "Onko teillä vihreää teetä?"]
    for text in asked:
        ask(shopper.page, text)
        sent = time.monotonic()
        expect(row_of(agent.page, text)).to_be_visible(timeout=5000)
        seconds.append(time.monotonic() - sent)
    assert statistics.median(seconds) < 1  # one may coincide with whatever else the machine does
    row_of(agent.page, "Onko teillä vihreää").locator("a").click()
    expect(agent.page.locator(".thread")).to_contain_text("Onko teillä vihreää teetä?")
    answer(agent.page, "Kyllä on, kolmea laatua.")
    expect(shopper.page.locator("tiski-chat")).to_contain_text("Kyllä on, kolmea laatua.", timeout=2000)
    ask(shopper.page, "Otan senchaa.")
    expect(agent.page.locator(".thread")).to_contain_text("Otan senchaa.", timeout=2000)
    expected = [*asked, "Kyllä on, kolmea laatua.", "Otan senchaa."]
    assert said_to_shopper(shopper.page) == expected
    assert said_to_agent(agent.page) == expected


def test_both_sides_go_on_after_the_server_is_killed_and_nothing_is_lost_or_doubled(
    open_screen: Open, tiski: TiskiProcess
) -> None:
    agent, shopper = sign_in(open_screen, tiski), visit(open_screen, tiski)
    agent.expect_trouble(GONE)
    shopper.expect_trouble(GONE)
    ask(shopper.page, "Ennen katkosta.")
    row_of(agent.page, "Ennen katkosta").locator("a").click()
    expect(agent.page.locator(".thread")).to_contain_text("Ennen katkosta.")
    tiski.kill()
    ask(shopper.page, "Katkoksen aikana, yksi.")
    ask(shopper.page, "Katkoksen aikana, kaksi.")
    time.sleep(1)
    tiski.start()
    expected = ["Ennen katkosta.", "Katkoksen aikana, yksi.", "Katkoksen aikana, kaksi."]
    expect(agent.page.locator(".thread")).to_contain_text("Katkoksen aikana, kaksi.", timeout=40_000)
    answer(agent.page, "Täällä taas.")
    expect(shopper.page.locator("tiski-chat")).to_contain_text("Täällä taas.", timeout=40_000)
    assert said_to_shopper(shopper.page) == [*expected, "Täällä taas."]
    assert said_to_agent(agent.page) == [*expected, "Täällä taas."]
    shopper.page.reload()
    expect(shopper.page.locator("tiski-chat")).to_contain_text("Täällä taas.", timeout=10_000)
    assert said_to_shopper(shopper.page) == [*expected, "Täällä taas."]


def test_the_same_journey_on_phones(open_screen: Open, tiski: TiskiProcess) -> None:
    agent, shopper = sign_in(open_screen, tiski, size=PHONE), visit(open_screen, tiski, size=PHONE)
    shopper.page.locator("tiski-chat textarea").fill("Kirjoitan puhelimella.")
    shopper.page.locator("tiski-chat .composer button[type=submit]").tap()  # Enter breaks the line on a touch keyboard
    row_of(agent.page, "Kirjoitan puhelimella").locator("a").tap()
    expect(agent.page.locator(".thread")).to_contain_text("Kirjoitan puhelimella.")
    expect(agent.page.locator(".conversation-row").first).to_be_hidden()
    agent.page.locator("textarea.composer-field").fill("Ja minä vastaan puhelimella.")
    agent.page.locator(".composer button[type=submit]").tap()
    expect(shopper.page.locator("tiski-chat")).to_contain_text("Ja minä vastaan puhelimella.")
    assert not agent.scrolls_sideways()
    assert not shopper.scrolls_sideways()
    agent.page.locator(".conversation-back").tap()
    expect(row_of(agent.page, "Ja minä vastaan")).to_be_visible()


def test_the_same_journey_with_sockets_blocked(open_screen: Open, tiski: TiskiProcess) -> None:
    agent, shopper = open_screen(), open_screen()
    for screen in (agent, shopper):
        screen.block_websockets()
        screen.expect_trouble("WebSocket")
    counter.sign_in(agent, tiski.address, demo_password(tiski.data))
    counter.visit(shopper, tiski.address)
    ask(shopper.page, "Tuleeko tämä perille?")
    expect(row_of(agent.page, "Tuleeko tämä perille")).to_be_visible(timeout=30_000)
    row_of(agent.page, "Tuleeko tämä perille").locator("a").click()
    answer(agent.page, "Tulee, hitaammin vain.")
    expect(shopper.page.locator("tiski-chat")).to_contain_text("Tulee, hitaammin vain.", timeout=30_000)
    assert said_to_shopper(shopper.page) == ["Tuleeko tämä perille?", "Tulee, hitaammin vain."]


def test_an_agent_closes_with_e_takes_with_i_and_opens_again(open_screen: Open, tiski: TiskiProcess) -> None:
    page = sign_in(open_screen, tiski).page
    row_of(page, "Mikko Laine").locator("a").click()
    expect(page.locator("h1")).to_have_text(re.compile("Mikko Laine"))
    page.keyboard.press("i")
    expect(page.locator(".thread")).to_contain_text("Mia Mäkinen", timeout=5000)
    page.keyboard.press("n")
    page.keyboard.type("Kolme purkkia sivuun.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".bubble--note")).to_contain_text("Kolme purkkia sivuun.")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(row_of(page, "Mikko Laine")).to_have_count(0, timeout=5000)
    page.goto(f"{tiski.address}/teepuoti/inbox/closed/")
    expect(row_of(page, "Mikko Laine")).to_be_visible()
