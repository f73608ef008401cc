"""B12, the console in Chromium: what its first load weighs, how soon a key moves on and a conversation is open."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from playwright.sync_api import BrowserContext, Page, Response

from bench.budget import Figure
from bench.measuring import percentile
from bench.pages import signed_in_inbox
from bench.scene import Scene
from bench.serving import served

MOVES, OPENED = 60, 40
WEIGHED = {"script", "stylesheet", "font"}
# A key's own time stamp is when the browser took it in; a second frame begins when the first has been painted.
WATCH = """
globalThis.waited = [];
let pressed = 0;
const painted = (done) => requestAnimationFrame(() => requestAnimationFrame(done));
addEventListener("keydown", (event) => { pressed = event.timeStamp; }, true);
const seen = () => waited.push(performance.now() - pressed);
globalThis.untilFocus = () => addEventListener("focusin", seen, { once: true });
globalThis.untilOpen = (key) => {
  const look = () => document.querySelector(`#pane [data-conversation="${key}"]`)
    ? painted(seen) : requestAnimationFrame(look);
  look();
};
"""


@dataclass(slots=True)
class Load:
    """What a first visit fetched: kilobytes as gzip sends them, and how many files."""

    kilobytes: float = 0.0
    files: int = 0


def run(place: Scene) -> dict[str, Figure]:
    """Weight of the first load, p95 from `j` to focus and from Enter to a painted conversation."""
    from tiski.testing.chromium import Chromium

    cookie, inbox = signed_in_inbox()
    with served(place.data, ["tiski.config.cli", "up"]) as (_process, port), Chromium() as chromium:
        address = f"http://localhost:{port}"
        screen = chromium.open()
        screen.context.set_default_timeout(60_000)
        screen.context.add_cookies([{"name": key, "value": cookie[key], "url": address} for key in cookie])
        load, page = _first_load(screen.context, address + inbox), screen.page
        page.add_init_script(WATCH)
        page.goto(address + inbox)
        page.wait_for_selector("tiski-list .conversation-row")
        focused, opened = _moves(page), _openings(page)
        screen.close()
    past = f"Chromium, {place.conversations:,} conversations"
    to_focus, to_open = percentile(focused, 0.95), percentile(opened, 0.95)
    weight = f"{load.files} files of JavaScript, CSS and fonts"
    return {
        "B12": Figure(load.kilobytes, "KB gz first load", "<= 130", load.kilobytes <= 130, weight),
        "B12o": Figure(to_open, "ms p95 to open, cold", "<= 400", to_open <= 400, f"{past}, {len(opened)} opened"),
        "B12j": Figure(to_focus, "ms p95 j to focus", "<= 50", to_focus <= 50, f"{past}, {len(focused)} moves"),
    }


def _first_load(context: BrowserContext, inbox: str) -> Load:
    """Everything a browser with an empty cache fetches until the network is quiet."""
    load = Load()
    page = context.new_page()

    def weigh(answer: Response) -> None:
        kind = answer.request.resource_type
        if kind in WEIGHED:
            body = answer.body()
            load.kilobytes += len(body if kind == "font" else gzip.compress(body, 6)) / 1000
            load.files += 1

    page.on("response", weigh)
    page.goto(inbox)
    page.wait_for_load_state("networkidle")
    page.close()
    return load


def _moves(page: Page) -> list[float]:
    """Milliseconds from the key `j` to focus on the next row."""
    page.keyboard.press("j")
    for number in range(MOVES):
        page.evaluate("untilFocus()")
        page.keyboard.press("j" if number % 40 < 20 else "k")
        page.wait_for_function("count => waited.length === count", arg=number + 1)
    return _waited(page)


def _openings(page: Page) -> list[float]:
    """Milliseconds from Enter to a painted conversation that was not fetched before."""
    rows = page.locator("tiski-list .conversation-row")
    for number in range(OPENED):
        row = rows.nth(number)
        key = row.get_attribute("data-key")
        row.locator("a").evaluate("link => link.focus()")
        page.evaluate("key => untilOpen(key)", key)
        page.keyboard.press("Enter")
        page.wait_for_function("count => waited.length === count", arg=number + 1)
    return _waited(page)


def _waited(page: Page) -> list[float]:
    found: list[float] = page.evaluate("waited.splice(0)")
    return found
