"""Whose a long task is: the reading of Chromium's traces behind B11."""

from __future__ import annotations

from typing import Any

from bench.tasks import Task, tasks

PAGE, SHOP, DESK = "https://shop.example/", "https://shop.example/shop.js", "https://desk.example/w/loader.js"
ELSEWHERE = 9


def event(name: str, at: float, length: float, *, url: str = "", thread: int = 1, worked: float | None = None) -> Any:
    """As Chromium writes it, from milliseconds."""
    spans = {"ts": at * 1000, "dur": length * 1000, "tdur": (length if worked is None else worked) * 1000}
    return {"name": name, "pid": 1, "tid": thread, "args": {"data": {"url": url}}, **spans}


def seen(*events: Any) -> list[Task]:
    """The tasks of a page that began to be parsed at nought."""
    parsed = event("ParseHTML", 0, 0.1) | {"args": {"beginData": {"url": PAGE}}}
    return tasks([parsed, *events], page=PAGE, script="/w/", begins="/w/config/")


def verdicts(*events: Any) -> list[bool]:
    return [each.is_the_scripts for each in seen(*events)]


def test_a_long_task_of_the_page_is_not_the_scripts() -> None:
    task = event("RunTask", 10, 80)
    assert verdicts(task, event("EvaluateScript", 11, 70, url=SHOP)) == [False]
    assert verdicts(task, event("EvaluateScript", 11, 8, url=DESK)) == [False]


def test_a_task_that_only_the_script_made_long_is_its_own() -> None:
    task = event("RunTask", 10, 60)
    assert verdicts(task, event("EvaluateScript", 11, 20, url=DESK)) == [True]


def test_a_long_part_of_a_long_task_is_the_scripts() -> None:
    task = event("RunTask", 10, 200)
    assert verdicts(task, event("FunctionCall", 11, 55, url=DESK)) == [True]


def test_calls_within_calls_count_once() -> None:
    calls = [event("EvaluateScript", 11, 20, url=DESK), event("FunctionCall", 12, 10, url=DESK)]
    (task,) = seen(event("RunTask", 10, 60, worked=30), *calls, event("FunctionCall", 40, 5, url=DESK))
    assert (task.length, task.own, task.worked) == (60, 25, 12.5)


def test_from_its_first_request_on_every_task_is_the_scripts() -> None:
    asked = event("ResourceSendRequest", 105, 0, url="https://desk.example/w/config/tea-shop.json")
    assert verdicts(event("RunTask", 10, 60), event("RunTask", 100, 60), asked, event("RunTask", 300, 60)) == [
        False,
        True,
        True,
    ]


def test_other_threads_and_what_was_before_the_page_do_not_count() -> None:
    assert seen(event("RunTask", 10, 60, thread=ELSEWHERE), event("RunTask", -100, 60)) == []


def test_what_was_still_running_at_the_end_has_lasted_until_then() -> None:
    unfinished = event("RunTask", 10, 0)
    del unfinished["dur"], unfinished["tdur"]
    (task, _) = seen(unfinished, event("RunTask", 80, 20, thread=ELSEWHERE), event("RunTask", 95, 1))
    assert (task.at, task.length, task.worked) == (10, 90, 0)
