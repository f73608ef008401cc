"""Tasks of a page's main thread, from Chromium's own trace, and how much of each is the work of one script.

A trace tells what `longtask` entries do not: whose calls a task held, and how long it ran on a processor.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

LONG = 50.0
CATEGORIES = ["-*", "devtools.timeline", "disabled-by-default-devtools.timeline", "v8"]
TASK, SEND, PARSE = "RunTask", "ResourceSendRequest", "ParseHTML"
CALLS = {"EvaluateScript", "FunctionCall", "v8.compile", "v8.evaluateModule"}

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """Milliseconds: since the page's first parsing, by the clock, on a processor; by the clock without the script."""

    at: float
    length: float
    on_processor: float
    without: float

    @property
    def is_long(self) -> bool:
        """As the browser calls it."""
        return self.length > LONG

    @property
    def own(self) -> float:
        """What the script took of it."""
        return self.length - self.without

    @property
    def worked(self) -> float:
        """What the script took of it, on the processor."""
        return self.on_processor * self.own / self.length if self.length else 0.0

    @property
    def is_the_scripts(self) -> bool:
        """Whether it is long, and would not be without the script or for its part alone is."""
        return self.is_long and (self.without <= LONG or self.own > LONG)


@contextmanager
def traced(page: Any) -> Iterator[list[Event]]:
    """What happens in the browser meanwhile; the list is filled at the end."""
    events: list[Event] = []
    browser = page.context.browser
    browser.start_tracing(page=page, categories=CATEGORIES)
    yield events
    events += json.loads(browser.stop_tracing())["traceEvents"]


def tasks(events: Iterable[Event], *, page: str, script: str, begins: str) -> list[Task]:
    """Every task of the main thread of the page at this address, oldest first.

    A call counts as the script's when its address has `script` in it. From the request for an address with `begins` in
    it every task counts wholly as the script's: its frames and the answers to its requests name no script.
    """
    known = _ended([event for event in events if "ts" in event])
    first = min((each for each in known if _parsed(each) == page), key=lambda each: each["ts"])
    mine = sorted((each for each in known if _thread(each) == _thread(first)), key=lambda each: each["ts"])
    began = first["ts"]
    booted = next((each["ts"] for each in mine if each["name"] == SEND and begins in _address(each)), float("inf"))
    calls = [each for each in mine if each["name"] in CALLS and script in _address(each)]
    found = []
    for task in mine:
        if task["name"] != TASK or task["ts"] + task["dur"] < began:
            continue
        ends = task["ts"] + task["dur"]
        own = task["dur"] if ends > booted else _covered(calls, task["ts"], ends)
        spans = (task["ts"] - began, task["dur"], task.get("tdur", 0), task["dur"] - own)
        found.append(Task(*(each / 1000 for each in spans)))
    return found


def _ended(events: list[Event]) -> list[Event]:
    """What was still running when the trace was stopped has no duration; it has lasted until then."""
    until = max(event["ts"] + event.get("dur", 0) for event in events)
    return [{"dur": until - event["ts"], **event} for event in events]


def _covered(calls: list[Event], begins: float, ends: float) -> float:
    """How long of the time some call was running: calls stand within calls."""
    total, reached = 0.0, begins
    for call in calls:
        if begins <= call["ts"] < ends:
            total += max(0.0, call["ts"] + call["dur"] - max(reached, call["ts"]))
            reached = max(reached, call["ts"] + call["dur"])
    return total


def _thread(event: Event) -> tuple[int, int]:
    return event["pid"], event["tid"]


def _parsed(event: Event) -> str:
    return str(event.get("args", {}).get("beginData", {}).get("url", "")) if event["name"] == PARSE else ""


def _address(event: Event) -> str:
    data = event.get("args", {})
    return str(data.get("data", {}).get("url") or data.get("fileName") or "")
