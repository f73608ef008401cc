"""B11: what the widget costs a shop's page, seen by Chromium on the demo shop with its processor slowed four times."""

from __future__ import annotations

import gzip
from typing import Any
from urllib.parse import urlsplit

import httpx

from bench.budget import Figure
from bench.scene import Scene
from bench.serving import served

SLOWED = 4
OBSERVE = """
  globalThis.seen = { shift: 0, tasks: [] };
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => (seen.shift += entry.value)))
    .observe({ type: "layout-shift", buffered: true });
  new PerformanceObserver((all) => seen.tasks.push(...all.getEntries().map((each) => [each.startTime, each.duration])))
    .observe({ type: "longtask", buffered: true });
"""
SETTLE = 3_000


def run(place: Scene) -> dict[str, Figure]:
    """Sizes over the wire and the browser's own observations."""
    with served(place.data, ["tiski.config.cli", "up"]) as (_server, port):
        sizes, requests, bare, full = _visit(f"http://localhost:{port}")
    loader, panel, config = (sizes[name] for name in ("loader", "panel", "config"))
    small = loader <= 5 and panel <= 20 and config <= 2
    tasks = [round(length) for _at, length in full["tasks"]]
    calm = not tasks and full["shift"] == 0
    conditions = (
        f"panel {panel:.1f} KB and config {config:.1f} KB gzipped; {len(requests)} requests before a click "
        f"({', '.join(requests)}); CPU slowed {SLOWED} times: long tasks {tasks} ms, the page without the widget has "
        f"{[round(length) for _at, length in bare['tasks']]}; layout shift {full['shift']:.4f}"
    )
    return {
        "B11": Figure(loader, "KB loader gz", "<= 5, panel 20, config 2", small and len(requests) <= 3, conditions),
        "B11l": Figure(len(tasks), "long tasks", "0, shift 0", calm, f"until {SETTLE / 1000:.0f} s after the load"),
    }


def _visit(address: str) -> tuple[dict[str, float], list[str], dict[str, Any], dict[str, Any]]:
    from tiski.testing.chromium import Chromium

    with Chromium() as browser:
        bare, _none, _panel = _watched(browser, address, with_widget=False)
        full, requests, panel = _watched(browser, address, with_widget=True)
    sizes = {
        "loader": _size(f"{address}/w/loader.js"),
        "panel": sum(map(_size, panel)),
        "config": _size(next(each for each in requests if "/w/config/" in each)),
    }
    return sizes, [urlsplit(each).path for each in requests], bare, full


def _watched(browser: Any, address: str, *, with_widget: bool) -> tuple[dict[str, Any], list[str], list[str]]:
    """What a page saw of itself, what the widget asked for before a click, and the modules it asked for after one."""
    screen = browser.open()
    asked: list[str] = []
    page = screen.page
    page.set_default_timeout(60_000)
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script(OBSERVE)
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    if not with_widget:
        page.route("**/w/loader.js", lambda route: route.abort())
        screen.expect_trouble(".")
    page.goto(f"{address}/demo/", wait_until="load")
    page.wait_for_timeout(SETTLE)
    seen = page.evaluate("seen")
    before = [url for url in asked if urlsplit(url).path.startswith("/w/")]
    panel: list[str] = []
    if with_widget:
        asked.clear()
        page.evaluate("tiski('open')")
        page.wait_for_timeout(SETTLE)
        panel = [url for url in asked if url.endswith(".js") and urlsplit(url).path.startswith("/w/")]
    screen.context.close()
    return seen, before, panel


def _size(url: str) -> float:
    """Kilobytes over the wire: as the server compressed it, else as gzip would."""
    answer = httpx.get(url, trust_env=False, headers={"Accept-Encoding": "identity"})
    answer.raise_for_status()
    return len(gzip.compress(answer.content, 9)) / 1000
