"""B11: what the widget costs a shop's page, seen by Chromium on the demo shop with its processor slowed four times.

Chromium has every core, as on a shopper's device: slowing down spins on the page's main thread, and on a core shared
with the browser's own processes each of their slices would be counted four times as the page's. A long task is the
widget's when it would not be long without the widget's part of it; what comes after the widget's first request is its
part altogether (`tasks`). The page without the widget is the same page with the loader blocked in the browser.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import httpx

from bench.budget import Figure
from bench.scene import Scene
from bench.serving import served
from bench.tasks import Task, tasks, traced

SLOWED = 4
VISITS = 5
SETTLE = 2_000
WARMING = 10_000
"""Milliseconds in which a fresh browser loads pages of its own in the background."""
SHIFT = """
  globalThis.shift = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => (shift += entry.value)))
    .observe({ type: "layout-shift", buffered: true });
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """One page load: the main thread's tasks, the sum of layout shifts, what the widget asked for before a click."""

    tasks: list[Task]
    shift: float
    asked: list[str]

    @property
    def long(self) -> int:
        """Long tasks, whosever."""
        return sum(each.is_long for each in self.tasks)

    @property
    def of_the_widget(self) -> int:
        """Long tasks that are the widget's."""
        return sum(each.is_the_scripts for each in self.tasks)

    @property
    def longest(self) -> float:
        """The most that the widget took of one task, by the clock."""
        return max(each.own for each in self.tasks)

    @property
    def hardest(self) -> float:
        """The most that the widget took of one task, on the processor."""
        return max(each.worked for each in self.tasks)


def run(place: Scene) -> dict[str, Figure]:
    """Sizes over the wire and the browser's own observations."""
    with served(place.data, ["tiski.config.cli", "up"]) as (_server, port), _every_core():
        sizes, full, bare = _measured(f"http://localhost:{port}")
    loader, panel, config = (sizes[name] for name in ("loader", "panel", "config"))
    small = loader <= 5 and panel <= 20 and config <= 2
    asked = max((each.asked for each in full), key=len)
    found = median(each.of_the_widget for each in full)
    shift = max(each.shift for each in full)
    longest = median(each.longest for each in full)
    worked = median(each.hardest for each in full)
    requests = f"{len(asked)} requests before a click ({', '.join(urlsplit(each).path for each in asked)})"
    conditions = (
        f"median of {VISITS} visits: {', '.join(str(each.of_the_widget) for each in full)}; CPU slowed {SLOWED} times; "
        f"the widget's part of a task at most {longest:.0f} ms by the clock, {worked:.0f} ms on the processor; long "
        f"tasks whosever with the widget {[each.long for each in full]}, without {[each.long for each in bare]}; "
        f"layout shift {shift:.4f}"
    )
    return {
        "B11": Figure(
            loader, "KB loader gz", "<= 5, panel 20, config 2", small and len(asked) <= 3,
            f"panel {panel:.1f} KB and config {config:.1f} KB gzipped; {requests}",
        ),
        "B11l": Figure(found, "long tasks, widget's", "0, shift 0", found == 0 and shift == 0, conditions),
    }  # fmt: skip


@contextmanager
def _every_core() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _measured(address: str) -> tuple[dict[str, float], list[Visit], list[Visit]]:
    from tiski.testing.chromium import Chromium

    full, bare = [], []
    with Chromium() as browser:
        panel = _modules_of_the_panel(browser, address)
        for _ in range(VISITS):
            full.append(_visit(browser, address, with_widget=True))
            bare.append(_visit(browser, address, with_widget=False))
    sizes = {
        "loader": _size(f"{address}/w/loader.js"),
        "panel": sum(map(_size, panel)),
        "config": _size(next(each for each in full[0].asked if "/w/config/" in each)),
    }
    return sizes, full, bare


def _visit(browser: Any, address: str, *, with_widget: bool) -> Visit:
    screen = browser.open()
    asked: list[str] = []
    page = screen.page
    page.set_default_timeout(60_000)
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script(SHIFT)
    tools = page.context.new_cdp_session(page)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    if not with_widget:
        tools.send("Network.enable")
        tools.send("Network.setBlockedURLs", {"urls": ["*/w/loader.js"]})
        screen.expect_trouble(".")
    with traced(page) as events:
        if with_widget:
            with page.expect_response("**/w/config/*"):
                page.goto(f"{address}/demo/", wait_until="load")
        else:
            page.goto(f"{address}/demo/", wait_until="load")
        page.wait_for_timeout(SETTLE)
    # Not before the trace has ended: what is evaluated here is a task of the page too.
    shift = page.evaluate("shift")
    screen.context.close()
    seen = tasks(events, page=f"{address}/demo/", script="/w/", begins="/w/config/")
    return Visit(seen, shift, [each for each in asked if urlsplit(each).path.startswith("/w/")])


def _modules_of_the_panel(browser: Any, address: str) -> list[str]:
    """What a press of the launcher asks for; also the visit in which browser and server become warm."""
    screen = browser.open()
    page = screen.page
    page.goto(f"{address}/demo/", wait_until="load")
    page.wait_for_timeout(WARMING)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("tiski('open')")
    page.wait_for_timeout(SETTLE)
    screen.context.close()
    return [each for each in asked if each.endswith(".js") and urlsplit(each).path.startswith("/w/")]


def _size(url: str) -> float:
    """Kilobytes over the wire: as the server compressed it, else as gzip would."""
    answer = httpx.get(url, trust_env=False, headers={"Accept-Encoding": "identity"})
    answer.raise_for_status()
    return len(gzip.compress(answer.content, 9)) / 1000
