"""A day at the console: undo, presence, drafts on two devices, collisions, files, closing, search, chat settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from io import BytesIO

import httpx
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

from tiski.testing.chromium import PHONE, Screen
from tiski.testing.desk import demo_password
from tiski.testing.premises import Premises
from tiski.testing.tiski_process import TiskiProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

Open = Callable[..., Screen]
FIELD = "textarea.composer-field"
WIDE = (1440, 860)


@pytest.fixture
def own_tiski(shop: Premises) -> Iterator[TiskiProcess]:
    """An instance for a test that takes everything away."""
    with shop.product() as process:
        yield process


@pytest.fixture
def mia(open_screen: Open, tiski: TiskiProcess) -> Screen:
    """Mia at her desk."""
    return sign_in(open_screen, tiski)


def sign_in(open_screen: Open, tiski: TiskiProcess, who: str = "mia", **options: object) -> Screen:
    """Someone of the demo shop in the open conversations, on the live line."""
    screen = open_screen(f"{tiski.address}/", **{"size": WIDE, **options})
    screen.page.locator("input[name=login]").fill(f"{who}@teepuoti.example")
    screen.page.locator("input[name=password]").fill(demo_password(tiski.data))
    screen.page.locator("input[name=password]").press("Enter")
    expect(screen.page.locator("tiski-news")).to_have_attribute("data-state", "open")
    return screen


def row_of(page: Page, text: str) -> Locator:
    """The row of the inbox that shows a text."""
    return page.locator(".conversation-row", has_text=text)


def enter(page: Page, text: str) -> None:
    """Open the conversation of a row and wait until it stands there."""
    row_of(page, text).locator("a").click()
    expect(page.locator("#pane .conversation")).to_contain_text(text)
    expect(page.locator(FIELD)).to_be_visible()


def write(page: Page, text: str) -> None:
    """Write an answer and send it with the keyboard."""
    page.locator(FIELD).fill(text)
    page.locator(FIELD).press("Control+Enter")


def shopper(open_screen: Open, tiski: TiskiProcess, says: str) -> Screen:
    """Someone on the shop's page who has just written."""
    screen = open_screen(f"{tiski.address}/demo/")
    screen.page.locator("tiski-chat button.launcher").click()
    screen.page.locator("tiski-chat textarea").fill(says)
    screen.page.locator("tiski-chat textarea").press("Enter")
    return screen


def test_a_mail_is_held_and_can_be_taken_back(mia: Screen) -> None:
    page = mia.page
    enter(page, "Sanna Virtanen")
    entries = page.locator(".thread .entry").count()
    write(page, "Vaihto on tehty.\nPaita lähtee huomenna.")
    undo = page.locator("[data-undo]")
    expect(undo).to_be_visible()
    seconds = page.locator("[data-undo] tiski-countdown")
    expect(seconds).to_have_text(re.compile(r"\([5-9]\)|\(10\)"))
    before = seconds.inner_text()
    expect(seconds).not_to_have_text(before)
    undo.click()
    expect(page.locator(FIELD)).to_have_value("Vaihto on tehty.\nPaita lähtee huomenna.")
    expect(page.locator(".bubble", has_text="Paita lähtee huomenna.")).to_have_count(0)
    expect(page.locator(".thread .entry")).to_have_count(entries + 1)
    assert page.locator(".thread .entry").last.get_attribute("class") == "entry entry--event"
    page.reload()
    expect(page.locator(FIELD)).to_have_value("Vaihto on tehty.\nPaita lähtee huomenna.")
    expect(row_of(page, "Sanna Virtanen").locator(".conversation-row-draft")).to_be_visible()


def test_a_mail_that_is_not_taken_back_leaves_after_ten_seconds(mia: Screen) -> None:
    page = mia.page
    enter(page, "Jari Nieminen")
    write(page, "Lähetämme tarjouksen tänään.")
    bubble = page.locator(".entry", has_text="Lähetämme tarjouksen tänään.")
    expect(bubble).to_have_attribute("data-state", "sending")
    expect(bubble).to_have_attribute("data-state", "sent", timeout=25_000)
    expect(page.locator("[data-undo]")).to_have_count(0)
    expect(bubble.locator(".bubble-state")).to_be_visible()


def test_the_header_says_who_is_here_and_names_agents_only(open_screen: Open, tiski: TiskiProcess, mia: Screen) -> None:
    customer = shopper(open_screen, tiski, "Onko purkki kierrätettävä?")
    enter(mia.page, "Onko purkki kierrätettävä?")
    presence = mia.page.locator("tiski-presence")
    here = presence.get_attribute("data-customer-here") or ""
    writing = presence.get_attribute("data-customer-writing") or ""
    expect(presence).to_have_text(here)
    # The widget says it at most every three seconds.
    customer.page.locator("tiski-chat textarea").press_sequentially("Ja onko pussi muovia?", delay=200)
    expect(presence).to_have_text(writing)
    noor = sign_in(open_screen, tiski, "noor")
    enter(noor.page, "Onko purkki kierrätettävä?")
    expect(presence).to_contain_text("Noor Haddad")
    assert "{names}" not in presence.inner_text()
    customer.page.goto("about:blank")
    expect(presence).not_to_contain_text(here, timeout=15_000)


def test_own_changes_move_the_row_at_once_and_those_of_others_wait(
    open_screen: Open, tiski: TiskiProcess, mia: Screen
) -> None:
    page = mia.page
    enter(page, "Mikko Laine")
    enter(page, "Oona Korhonen")
    write(page, "Hienoa, laitan sen pussiin.")
    page.locator(".conversation-rows").hover()
    expect(page.locator(".conversation-row").first).to_contain_text("Oona Korhonen")
    expect(page.locator(".list-held")).to_be_hidden()
    shopper(open_screen, tiski, "Minä tulen väliin.")
    expect(page.locator(".list-held")).to_be_visible()
    page.locator(FIELD).hover()
    expect(page.locator(".conversation-row").first).to_contain_text("Minä tulen väliin.")


def test_closing_goes_on_to_the_next_and_can_be_undone(mia: Screen) -> None:
    page = mia.page
    page.evaluate("Math.random = () => 0.99")  # what others do is counted as late as it ever is; what Mia does, at once
    counted = page.locator(".nav-link[aria-current] .count")
    before = int(counted.inner_text())
    enter(page, "Erik Lindqvist")
    closed = page.url
    page.locator(".thread").focus()
    page.keyboard.press("e")
    expect(row_of(page, "Erik Lindqvist")).to_have_count(0)
    expect(counted).to_have_text(str(before - 1), timeout=1000)
    page.wait_for_url(lambda address: address != closed)
    expect(page.locator(".conversation-header")).not_to_contain_text("Erik Lindqvist")
    page.locator(".toast [hx-delete]").click()
    expect(row_of(page, "Erik Lindqvist")).to_be_visible()
    expect(counted).to_have_text(str(before), timeout=1000)


def test_the_keys_lead_through_the_list_and_into_the_composer(mia: Screen) -> None:
    page = mia.page
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator(".conversation-row").first.locator("a")).to_be_focused()
    page.keyboard.press("o")
    expect(page.locator(FIELD)).to_be_visible()
    expect(page).to_have_title(re.compile("(.* – ){3}Tiski"))
    page.keyboard.press("r")
    expect(page.locator(FIELD)).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.locator("input[name=mode][value=note]")).to_be_checked()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.locator(".menu:popover-open")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("i")
    expect(page.locator("[id$=-assignee]")).to_have_text("Mia Mäkinen")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    expect(page.locator(".conversation-row a[aria-current]")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("input[type=search]")).to_be_focused()


def test_a_view_says_when_it_is_empty_and_when_it_no_longer_is(
    open_screen: Open, tiski: TiskiProcess, mia: Screen
) -> None:
    page = mia.page
    page.goto(f"{tiski.address}/teepuoti/inbox/unassigned/")
    noor = sign_in(open_screen, tiski, "noor")
    noor.page.goto(f"{tiski.address}/teepuoti/inbox/unassigned/")
    empty = page.locator(".list .empty")
    while noor.page.locator(".conversation-row").count():
        expect(empty).to_be_hidden()
        left = noor.page.locator(".conversation-row").count()
        key = noor.page.locator(".conversation-row").first.get_attribute("data-key")
        noor.page.locator(".conversation-row a").first.click()
        expect(noor.page.locator(f"[data-conversation='{key}'] {FIELD}")).to_be_visible()
        noor.page.locator(".thread").focus()
        noor.page.keyboard.press("i")
        expect(noor.page.locator(".conversation-row")).to_have_count(left - 1)
    expect(empty).to_be_visible()
    expect(page.locator(".conversation-row")).to_have_count(0)
    shopper(open_screen, tiski, "Täällä on uusi asia.")
    expect(row_of(page, "Täällä on uusi asia.")).to_be_visible()
    expect(empty).to_be_hidden()


def test_drafts_of_both_modes_are_there_after_a_reload_and_on_another_device(
    open_screen: Open, tiski: TiskiProcess
) -> None:
    shopper(open_screen, tiski, "Kertokaa luonnoksista.")
    page = sign_in(open_screen, tiski).page
    enter(page, "Kertokaa luonnoksista.")
    saved = page.locator(".composer-saved")
    page.locator(FIELD).fill("Vastaus kesken")
    page.locator("input[name=mode][value=note]").check(force=True)
    page.locator(FIELD).fill("Muistiin jotain")
    expect(saved).not_to_be_empty()
    phone = sign_in(open_screen, tiski, size=PHONE).page
    row_of(phone, "Kertokaa luonnoksista.").locator("a").tap()
    expect(phone.locator(FIELD)).to_have_value("Vastaus kesken")
    phone.locator(FIELD).fill("Vastaus puhelimelta")
    expect(phone.locator(".composer-saved")).not_to_be_empty()
    page.reload()
    expect(page.locator(FIELD)).to_have_value("Vastaus puhelimelta")
    page.locator("input[name=mode][value=note]").check(force=True)
    expect(page.locator(FIELD)).to_have_value("Muistiin jotain")
    page.locator(FIELD).fill("Muistiin muuta")
    expect(saved).not_to_be_empty()
    page.locator(FIELD).press("Control+Enter")
    expect(page.locator(".bubble--note")).to_contain_text("Muistiin muuta")
    page.locator(FIELD).fill("Toinen muistiinpano")
    expect(saved).to_have_text(saved.get_attribute("data-saved") or "")
    page.reload()
    page.locator("input[name=mode][value=note]").check(force=True)
    expect(page.locator(FIELD)).to_have_value("Toinen muistiinpano")


def test_the_later_of_two_writers_sees_what_came_and_sends_anyway(open_screen: Open, tiski: TiskiProcess) -> None:
    shopper(open_screen, tiski, "Kuka vastaa ensin?")
    mia, noor = sign_in(open_screen, tiski), sign_in(open_screen, tiski, "noor")
    noor.expect_trouble("status of 409")
    for screen in (mia, noor):
        enter(screen.page, "Kuka vastaa ensin?")
    # What Noor's page hears is held back, as on a slow line.
    noor.page.route("**/messages/?after=*", lambda route: route.abort())
    noor.expect_trouble("ERR_FAILED")
    write(mia.page, "Mia vastaa.")
    expect(mia.page.locator(".entry", has_text="Mia vastaa.")).to_have_attribute("data-state", re.compile("sent|read"))
    write(noor.page, "Noor vastaa.")
    problem = noor.page.locator(".composer-problem")
    expect(problem).to_contain_text("Mia vastaa.")
    expect(noor.page.locator(FIELD)).to_have_value("Noor vastaa.")
    problem.locator("button[name=anyway]").click()
    expect(mia.page.locator(".thread")).to_contain_text("Noor vastaa.")


def test_a_picture_travels_with_the_answer(open_screen: Open, tiski: TiskiProcess, mia: Screen) -> None:
    customer = shopper(open_screen, tiski, "Saanko kuvan purkista?")
    page = mia.page
    enter(page, "Saanko kuvan purkista?")
    picture = BytesIO()
    Image.new("RGB", (320, 200), (15, 91, 80)).save(picture, "PNG")
    upload: FilePayload = {"name": "purkki.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    page.set_input_files("input[name=uploads]", upload)
    expect(page.locator(".composer-files input[name=files]")).to_have_count(1)
    write(page, "Tässä.")
    shown = page.locator(".bubble .file--picture img")
    expect(shown).to_be_visible()
    assert shown.evaluate("picture => picture.decode().then(() => picture.naturalWidth)") == 320
    with page.expect_response(re.compile("/files/")) as answer:
        page.evaluate("address => fetch(address)", page.locator(".bubble a.file").get_attribute("href"))
    assert answer.value.headers["content-type"] == "image/png"
    expect(customer.page.locator("tiski-chat .bubble img, tiski-chat .bubble a[href*='files']").first).to_be_visible()


def test_search_finds_closed_ones_and_leads_back(mia: Screen) -> None:
    page = mia.page
    page.keyboard.press("/")
    page.locator("input[type=search]").fill("Liisa")
    page.keyboard.press("Enter")
    found = page.locator(".search-results .conversation-row a")
    expect(found).to_have_count(1)
    found.click()
    page.wait_for_url("**/inbox/closed/conversations/*/")
    expect(page.locator(".conversation-header")).to_contain_text("Liisa Aho")
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    page.locator("input[type=search]").evaluate("field => field.blur()")
    page.keyboard.press("Escape")
    page.wait_for_url("**/inbox/open/")


def test_the_chat_window_is_tried_on_before_it_is_saved(open_screen: Open, tiski: TiskiProcess) -> None:
    noor = sign_in(open_screen, tiski, "noor")
    noor.expect_trouble("status of 422")
    page = noor.page
    page.goto(f"{tiski.address}/teepuoti/settings/widget/")
    expect(page.locator("#tag")).to_have_text(
        f'<script async src="{tiski.address}/w/loader.js" data-key="teepuoti"></script>'
    )
    preview = page.frame_locator("iframe.preview-frame")
    expect(preview.locator("tiski-chat .bubble").first).to_be_visible()
    page.locator("input[name=welcome_fi]").fill("Tervetuloa teelle!")
    expect(preview.locator("tiski-chat")).to_contain_text("Tervetuloa teelle!")
    page.locator("textarea[name=domains]").fill("www.teepuoti.example\nei mikään osoite")
    page.locator(".save-bar button[type=submit]").click()
    expect(page.locator(".error-summary")).to_be_visible()
    page.locator("textarea[name=domains]").fill("www.teepuoti.example")
    page.locator(".save-bar button[type=submit]").click()
    expect(page.locator(".toast:visible")).to_be_visible()
    expect(page.locator(".save-bar")).to_be_hidden()
    config = httpx.get(f"{tiski.address}/w/config/teepuoti.json?lang=fi", trust_env=False, timeout=20).json()
    assert config["welcome"] in {"Tervetuloa teelle!", ""}  # kept for ten seconds
    policy = httpx.get(f"{tiski.address}/chat/teepuoti/", trust_env=False, timeout=20).headers
    assert "https://www.teepuoti.example" in policy["Content-Security-Policy"]


def test_the_demo_goes_and_a_shop_of_ones_own_opens(open_screen: Open, own_tiski: TiskiProcess) -> None:
    screen = sign_in(open_screen, own_tiski, "noor")
    page = screen.page
    page.locator("[data-opens=remove-demo]").click()
    expect(page.locator("dialog#remove-demo")).to_contain_text("Teepuoti")
    page.locator("dialog#remove-demo button[type=submit]").click()
    expect(page.locator("input[name=key]")).to_be_visible()
    assert screen.axe() == []
    page.locator("input[name=name]").fill("Kahvila Örni")
    page.locator("form button[type=submit]").click()
    page.wait_for_url("**/kahvila-orni/settings/widget/*/")
    expect(page.locator("#tag")).to_contain_text("/w/loader.js")
    page.goto(f"{own_tiski.address}/")
    page.wait_for_url("**/kahvila-orni/inbox/open/")
    expect(page.locator(".list .empty")).to_be_visible()
    assert httpx.get(f"{own_tiski.address}/demo/", trust_env=False, timeout=20).status_code == 404
