"""Composer, acts and notices in a browser."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tiski.testing.chromium import Screen

pytestmark = pytest.mark.browser


@pytest.fixture
def mia(stage: Any, open_screen: Callable[..., Screen]) -> Page:
    """Mia with Ada's conversation open."""
    return at_the_desk(stage, open_screen)


@pytest.fixture
def mia_in_trouble(stage: Any, open_screen: Callable[..., Screen]) -> Page:
    """The same, where refusals are expected."""
    return at_the_desk(stage, open_screen, trouble="status of 4|status of 5|^50|ERR_FAILED")


def at_the_desk(stage: Any, open_screen: Callable[..., Screen], trouble: str = "") -> Page:
    """A window with conversation 7, whose socket says hello and nothing more."""
    screen = open_screen(size=(1440, 860))
    if trouble:
        screen.expect_trouble(trouble)
    screen.page.route_web_socket("**/live/", greet)
    screen.page.goto(f"{stage.address}/c/7/")
    expect(screen.page.locator("tiski-news")).to_have_attribute("data-state", "open")
    return screen.page


def greet(socket: WebSocketRoute) -> None:
    """Answer the hello."""
    socket.on_message(lambda message: socket.send('{"t":"ready","seq":5}') if '"hello"' in str(message) else None)


def write(page: Page, text: str) -> None:
    """Type into the composer as `r` opens it."""
    page.keyboard.press("r")
    page.keyboard.type(text)


def test_the_bubble_stands_there_before_the_server_answers(mia: Page, stage: Any) -> None:
    write(mia, "Moi Ada!")
    shown = mia.evaluate("""() => {
        const field = document.querySelector(".composer-field");
        field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
        const last = [...document.querySelectorAll(".entry")].at(-1);
        return [last.querySelector("[data-slot=text]").textContent, last.id, field.value];
    }""")
    assert shown[0] == "Moi Ada!"
    assert shown[2] == ""
    expect(mia.locator(f"#{shown[1]}")).to_have_attribute("data-state", "sent")
    sent = stage.bodies("/send/")[0]
    assert shown[1] == f"message-{sent['client_id'][0]}"
    assert (sent["body"], sent["mode"], sent["seen_seq"]) == (["Moi Ada!"], ["reply"], ["3"])
    assert mia.locator(".entry").count() == 6


def test_a_note_looks_and_goes_as_one(mia: Page, stage: Any) -> None:
    mia.keyboard.press("n")
    expect(mia.get_by_text("Internal note: the customer does not see it.")).to_be_visible()
    expect(mia.get_by_role("button", name="Save note")).to_be_visible()
    mia.keyboard.type("Kanta-asiakas")
    with mia.expect_response("**/send/"):
        mia.keyboard.press("Control+Enter")
    expect(mia.locator(".entry").last).to_have_attribute("data-kind", "note")
    assert stage.bodies("/send/")[0]["mode"] == ["note"]


def test_each_mode_keeps_its_own_text(mia: Page) -> None:
    write(mia, "Vastaus kesken")
    mia.keyboard.press("Escape")
    mia.keyboard.press("n")
    assert mia.locator(".composer-field").input_value() == ""
    mia.keyboard.type("Muistiin")
    mia.keyboard.press("Escape")
    mia.keyboard.press("r")
    assert mia.locator(".composer-field").input_value() == "Vastaus kesken"


def test_a_draft_is_saved_once_it_rests(mia: Page, stage: Any) -> None:
    write(mia, "Luonnos")
    expect(mia.locator(".composer-saved")).to_have_text("Draft saved")
    assert [body["body"] for body in stage.bodies("/draft/")] == [["Luonnos"]]
    mia.keyboard.type("ta")
    expect(mia.locator(".composer-saved")).to_have_text("Draft saved")
    assert [body["version"] for body in stage.bodies("/draft/")] == [["0"], ["1"]]


def test_a_draft_that_the_server_never_got_is_kept_on_the_device(mia_in_trouble: Page, stage: Any) -> None:
    mia = mia_in_trouble
    mia.route("**/draft/", lambda route: route.abort())
    write(mia, "Verkko katkesi")
    mia.wait_for_timeout(900)
    expect(mia.locator(".composer-saved")).to_have_text("Draft kept on this device")
    mia.goto(f"{stage.address}/c/7/")
    assert mia.locator(".composer-field").input_value() == "Verkko katkesi"


def test_sending_leaves_no_draft_behind(mia: Page, stage: Any) -> None:
    write(mia, "Heti matkaan")
    mia.keyboard.press("Enter")
    mia.wait_for_timeout(1200)
    assert stage.bodies("/draft/") == []
    assert mia.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('tiski.draft'))") == []


def test_a_collision_shows_what_came_and_keeps_the_text(mia_in_trouble: Page, stage: Any) -> None:
    page = mia_in_trouble
    stage.mode = "collision"
    write(page, "Törmäys")
    page.keyboard.press("Enter")
    expect(page.locator(".composer-problem h2")).to_be_visible()
    assert page.locator(".composer-field").input_value() == "Törmäys"
    assert page.locator(".thread .entry").count() == 5
    page.get_by_role("button", name="Send anyway").click()
    expect(page.locator(".thread .entry").last).to_contain_text("Törmäys")
    expect(page.locator(".thread .entry").last).to_have_attribute("data-state", "sent")
    again = stage.bodies("/send/")[-1]
    assert (again["anyway"], again["seen_seq"]) == (["1"], ["9"])
    expect(page.locator(".composer-problem")).to_be_hidden()


def test_a_failed_answer_keeps_its_text_and_its_reason_and_goes_once(mia_in_trouble: Page, stage: Any) -> None:
    page = mia_in_trouble
    stage.mode = "full"
    write(page, "Levylle")
    page.keyboard.press("Enter")
    failed = page.locator(".entry").last
    expect(failed).to_have_attribute("data-state", "failed")
    expect(failed).to_contain_text("Levy on täynnä")
    stage.mode = ""
    failed.get_by_role("button").click()
    expect(page.locator(".entry").last).to_have_attribute("data-state", "sent")
    ids = {body["client_id"][0] for body in stage.bodies("/send/")}
    assert len(ids) == 1
    assert page.locator(".entry").count() == 6


def test_enter_does_not_send_while_letters_are_being_composed(mia: Page, stage: Any) -> None:
    write(mia, "にほん")
    mia.locator(".composer-field").dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    mia.keyboard.press("Shift+Enter")
    mia.wait_for_timeout(200)
    assert stage.bodies("/send/") == []


def test_files_are_sent_at_once_and_travel_with_the_answer(mia: Page, stage: Any) -> None:
    mia.set_input_files("input[name=uploads]", {"name": "nuppi.jpg", "mimeType": "image/jpeg", "buffer": b"x" * 4000})
    expect(mia.locator(".composer-files .file-size")).to_have_text("4 kB")
    write(mia, "Kuva ohessa")
    mia.keyboard.press("Enter")
    expect(mia.locator(".composer-files li")).to_have_count(0)
    expect(mia.locator(".thread .entry").last).to_have_attribute("data-state", "sent")
    assert stage.bodies("/send/")[0]["files"] == ["b" * 32]


def test_a_refused_file_says_why(mia: Page, stage: Any) -> None:
    stage.mode = "full"
    mia.set_input_files("input[name=uploads]", {"name": "video.mov", "mimeType": "video/quicktime", "buffer": b"x"})
    expect(mia.locator(".composer-files")).to_contain_text("Tiedosto on liian suuri.")
    mia.locator("[data-remove]").click()
    expect(mia.locator(".composer-files li")).to_have_count(0)


def test_closing_one_after_another_takes_them_in_order(mia: Page, stage: Any) -> None:
    mia.locator("#conversation-6 a").click()
    expect(mia.locator("#thread-6")).to_be_visible()
    for _ in range(5):
        mia.keyboard.press("e")
    expect(mia.locator("#thread-2")).to_be_visible(timeout=10_000)
    assert stage.acts() == [f"/closure/{number}/" for number in (6, 7, 5, 4, 3)]
    assert mia.evaluate("document.activeElement.closest('li').id") == "conversation-2"


def test_a_key_waits_until_what_it_presses_can_act(mia: Page, stage: Any) -> None:
    mia.evaluate("""() => new MutationObserver((_, watcher) => {
        if (!document.querySelector("#thread-5")) return;
        watcher.disconnect();
        document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "e", bubbles: true}));
    }).observe(document.body, {childList: true, subtree: true})""")
    mia.locator("#conversation-5 a").click()
    expect(mia.locator("#thread-4")).to_be_visible()
    assert stage.acts() == ["/closure/5/"]


def test_a_press_shows_its_result_and_takes_it_back_when_it_fails(mia_in_trouble: Page, stage: Any) -> None:
    page = mia_in_trouble
    assignee = page.locator("#conversation-7-assignee")
    with page.expect_response("**/assignment/"):
        page.keyboard.press("i")
    expect(assignee).to_have_text("Mia Mäkinen")
    stage.mode = "broken"
    page.keyboard.press("a")
    page.get_by_role("button", name="Noor Haddad").click()
    toast = page.locator(".toast--error:visible")
    expect(toast).to_be_visible()
    expect(assignee).to_have_text("Mia Mäkinen")
    stage.mode = ""
    toast.locator("[data-again]").click()
    expect(assignee).to_have_text("Noor Haddad")
    assert [body["agent"] for body in stage.bodies("/assignment/")] == [["1"], ["2"], ["2"]]


def test_a_stale_token_is_renewed_and_the_act_repeated(mia_in_trouble: Page, stage: Any) -> None:
    stage.mode = "stale"
    mia_in_trouble.keyboard.press("e")
    expect(mia_in_trouble.locator(".toast:not(.toast--error):visible")).to_be_visible()
    assert stage.closed == {7}


def test_a_notice_goes_by_itself_unless_it_is_held(mia: Page) -> None:
    mia.clock.install()
    mia.keyboard.press("e")
    toast = mia.locator(".toast:visible")
    expect(toast).to_have_count(1)
    toast.hover()
    mia.clock.run_for(10_000)
    expect(toast).to_have_count(1)
    mia.mouse.move(900, 200)
    mia.clock.run_for(7_000)
    expect(toast).to_have_count(0)


def test_keys_rest_while_someone_writes(mia: Page, stage: Any) -> None:
    write(mia, "eieie?")
    assert mia.locator(".composer-field").input_value() == "eieie?"
    assert stage.acts() == []
    expect(mia.locator("#shortcuts")).to_be_hidden()


def test_single_letters_can_be_turned_off(mia: Page, stage: Any) -> None:
    mia.keyboard.press("?")
    mia.locator("#single-keys").click()
    mia.keyboard.press("Escape")
    mia.keyboard.press("e")
    mia.wait_for_timeout(300)
    assert stage.acts() == []
    mia.reload()
    mia.keyboard.press("e")
    mia.wait_for_timeout(300)
    assert stage.acts() == []


def test_a_sequence_leads_elsewhere(mia: Page) -> None:
    mia.keyboard.press("g")
    mia.keyboard.press("m")
    mia.wait_for_url("**/c/4/")


def test_f6_walks_the_panes(mia: Page) -> None:
    places = []
    for _ in range(4):
        mia.keyboard.press("F6")
        places.append(mia.evaluate("document.activeElement.closest('[data-pane]').className"))
    assert places == ["nav", "list", "main", "aside"]
