"""Real browser windows, watched: what the page complains about fails the test."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypedDict

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Response, sync_playwright

from tiski.testing.needs import Missing, program

PHONE = (390, 844)
NARROW = (320, 640)
DESK = (1280, 800)
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
_REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  globalThis.tiskiPolicyViolation(`${event.violatedDirective} refused ${event.blockedURI} on ${event.documentURI}`));
"""


class _AxeNode(TypedDict):
    target: list[str]
    failureSummary: str


class _AxeViolation(TypedDict):
    id: str
    help: str
    nodes: list[_AxeNode]


class Trouble(AssertionError):
    """A page reported errors nobody expected."""


@dataclass(slots=True)
class Screen:
    """One person's browser: its own cookies, storage and window. Unexpected trouble fails the test when it closes."""

    context: BrowserContext
    page: Page
    trouble: list[str] = field(default_factory=list)
    _expected: list[str] = field(default_factory=list)

    def expect_trouble(self, pattern: str) -> None:
        """Allow complaints in which the regular expression is found, for tests that break things on purpose."""
        self._expected.append(pattern)

    def unexpected_trouble(self) -> list[str]:
        """Console errors, page errors, refused resources and answers 500 and above that no test expected."""
        return [line for line in self.trouble if not any(re.search(pattern, line) for pattern in self._expected)]

    def axe(self, *, rules: Sequence[str] = tuple(AXE_RULES)) -> list[str]:
        """What axe finds wrong on the page as it is now, open shadow roots included; empty is good."""
        if not _AXE.exists():
            raise Missing("axe-core is missing. Install it: npm ci --ignore-scripts (or run: sudo make test)")
        # Evaluated, not added as a script element: a strict content policy refuses the latter. And without `preload`,
        # which copies the sheets of shadow roots into style elements.
        self.page.evaluate(_AXE.read_text())
        found: list[_AxeViolation] = self.page.evaluate(
            "async (rules) => (await axe.run(document, {runOnly: rules, preload: false})).violations", list(rules)
        )
        return [
            f"{violation['id']}: {violation['help']}: {json.dumps(node['target'])} {node['failureSummary']}"
            for violation in found
            for node in violation["nodes"]
        ]

    def force(self, selector: str, states: Sequence[str]) -> None:
        """Draw what the selector finds as if it were in these states (`hover`, `active`, `focus`, `focus-visible`).

        They last as long as the page (Chrome DevTools Protocol, CSS.forcePseudoState).
        """
        tools = self.context.new_cdp_session(self.page)
        tools.send("DOM.enable")
        tools.send("CSS.enable")
        root = tools.send("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
        for node in tools.send("DOM.querySelectorAll", {"nodeId": root, "selector": selector})["nodeIds"]:
            tools.send("CSS.forcePseudoState", {"nodeId": node, "forcedPseudoClasses": list(states)})

    def scrolls_sideways(self) -> bool:
        """Whether the page is wider than its window."""
        return bool(self.page.evaluate("document.scrollingElement.scrollWidth > document.documentElement.clientWidth"))

    def block_websockets(self) -> None:
        """From now on every WebSocket fails at once, as behind an old proxy."""
        self.context.route_web_socket(re.compile("."), lambda socket: socket.close(code=1011))

    def close(self) -> None:
        """Close the window; raises `Trouble` when the pages complained."""
        self.context.close()
        if self.unexpected_trouble():
            raise Trouble("\n".join(self.unexpected_trouble()))


class Chromium:
    """The distribution's Chromium, headless."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def __enter__(self) -> Chromium:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Chromium:
        """Start the browser; windows come from `open`."""
        executable = program("chromium")
        # Playwright turns an event loop in this very thread; without this Django refuses its ORM there.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        self._playwright = sync_playwright().start()
        # Chromium's sandbox does not work for root.
        arguments = ["--no-sandbox"] if os.getuid() == 0 else []
        self._browser = self._playwright.chromium.launch(executable_path=executable, args=arguments)
        return self

    def open(
        self,
        address: str = "",
        *,
        size: tuple[int, int] = DESK,
        language: str = "fi",
        scheme: Literal["light", "dark"] = "light",
        reduced_motion: bool = False,
        any_certificate: bool = False,
    ) -> Screen:
        """A new person's window; `size` PHONE also makes it a touch screen. Addresses are relative to nothing."""
        if self._browser is None:
            raise RuntimeError("Start Chromium before opening windows.")
        options: dict[str, Any] = (
            {"is_mobile": True, "has_touch": True, "device_scale_factor": 2} if size == PHONE else {}
        )
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale={"fi": "fi-FI", "sv": "sv-FI", "en": "en-GB"}[language],
            timezone_id="Europe/Helsinki",
            color_scheme=scheme,
            reduced_motion="reduce" if reduced_motion else "no-preference",
            ignore_https_errors=any_certificate,
            **options,
        )
        context.set_default_timeout(10_000)
        screen = Screen(context, context.new_page())
        _watch(screen)
        if address:
            screen.page.goto(address)
        return screen

    def stop(self) -> None:
        """Close every window and the browser."""
        if self._browser:
            self._browser.close()
        if self._playwright:
            self._playwright.stop()
        self._browser = self._playwright = None


def _watch(screen: Screen) -> None:
    context, trouble = screen.context, screen.trouble

    def hear_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            trouble.append(f"console: {message.text} ({message.location.get('url', '')})")

    def hear_response(response: Response) -> None:
        if response.status >= 500:
            trouble.append(f"{response.status} from {response.request.method} {response.url}")

    context.on("console", hear_console)
    context.on("weberror", lambda error: trouble.append(f"page: {error.error}"))
    context.on("response", hear_response)
    context.expose_function("tiskiPolicyViolation", lambda text: trouble.append(f"policy: {text}"))
    context.add_init_script(_REPORT_VIOLATIONS)
