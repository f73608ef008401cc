"""Who may go where: every address of the console, asked by strangers, viewers and those it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.test import Client
from django.urls import URLResolver

from tiski.accounts.models import Agent
from tiski.accounts.policies import Policy
from tiski.console.web import urls
from tiski.conversations.models import Conversation, Draft, Message, Note
from tiski.testing.world import World

Browser = Callable[[Agent], Client]
INBOX = "inbox/open/conversations/{id}/"
READS = [
    "", "inbox/", "inbox/navigation/", "inbox/open/", INBOX, f"{INBOX}row/", f"{INBOX}header/", f"{INBOX}customer/",
    "conversations/{id}/messages/", "search/",
]  # fmt: skip
WRITES = [
    "conversations/{id}/sending/", "conversations/{id}/draft/", "conversations/{id}/files/",
    "conversations/{id}/closure/", "conversations/{id}/assignment/", "conversations/{id}/messages/1/withdrawal/",
    "conversations/{id}/outbox/1/retry/",
]  # fmt: skip
RUNS = ["settings/", "settings/widget/", "settings/widget/1/"]
NAMED_ELSEWHERE = {"", "shops/new/", "<slug:shop>/files/<slug:blob_id>/", "<slug:shop>/originals/<int:raw_id>/",
                   "<slug:shop>/conversations/<int:conversation_id>/read-mark/",
                   "<slug:shop>/settings/widget/<int:account_id>/switch/"}  # fmt: skip


@pytest.mark.parametrize("path", [*READS, *RUNS])
def test_who_is_not_signed_in_is_asked_to(path: str, client: Client, ada: Conversation) -> None:
    answer = client.get(f"/teepuoti/{path.format(id=ada.id)}")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=/teepuoti/")


@pytest.mark.parametrize("path", [*READS, *RUNS])
def test_a_stranger_finds_nothing(path: str, kahvila: World, browser_of: Browser, ada: Conversation) -> None:
    assert browser_of(kahvila.noor).get(f"/teepuoti/{path.format(id=ada.id)}").status_code == 404


@pytest.mark.parametrize("path", WRITES)
def test_a_stranger_changes_nothing(path: str, kahvila: World, browser_of: Browser, ada: Conversation) -> None:
    assert browser_of(kahvila.noor).post(f"/teepuoti/{path.format(id=ada.id)}").status_code == 404


@pytest.mark.parametrize("path", [path for path in READS if "{id}" in path])
def test_a_conversation_of_another_shop_is_not_found(
    path: str, kahvila: World, browser_of: Browser, ada: Conversation
) -> None:
    answer = browser_of(kahvila.noor).get(f"/kahvila/{path.format(id=ada.id)}")
    assert answer.status_code == (204 if path.endswith("row/") else 404)


@pytest.mark.parametrize("path", READS)
def test_a_viewer_reads(path: str, world: World, browser_of: Browser, ada: Conversation) -> None:
    answer = browser_of(world.ville).get(f"/teepuoti/{path.format(id=ada.id)}", follow=True)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", WRITES)
def test_a_viewer_does_not_write(path: str, world: World, browser_of: Browser, ada: Conversation) -> None:
    fields = {"mode": "note", "body": "Hei", "client_id": "0197f7a0-0000-7000-8000-000000000000"}
    answer = browser_of(world.ville).post(f"/teepuoti/{path.format(id=ada.id)}", fields)
    assert answer.status_code == 403
    assert Message.unscoped.count() == 1
    assert Note.unscoped.count() == Draft.unscoped.count() == 0


def test_a_viewer_gets_words_instead_of_a_composer(world: World, browser_of: Browser, ada: Conversation) -> None:
    text = browser_of(world.ville).get(f"/teepuoti/inbox/open/conversations/{ada.id}/").content.decode()
    assert "Your role lets you read, not answer." in text
    assert "<textarea" not in text
    assert 'data-key="e"' not in text


@pytest.mark.parametrize("path", RUNS)
def test_an_agent_does_not_run_the_shop(path: str, mia: Client) -> None:
    assert mia.get(f"/teepuoti/{path}").status_code == 403


@pytest.mark.parametrize("path", [*WRITES, "conversations/{id}/read-mark/", "settings/widget/1/switch/"])
def test_writing_is_a_post(path: str, noor: Client, ada: Conversation) -> None:
    assert noor.get(f"/teepuoti/{path.format(id=ada.id)}").status_code == 405


def test_every_route_names_its_policy_and_is_asked_for_here() -> None:
    routes = dict(_routes([*urls.at_work, *urls.urlpatterns], ""))
    assert [route for route, view in routes.items() if not isinstance(getattr(view, "policy", None), Policy)] == []
    asked = {_pattern(path) for path in [*READS, *WRITES, *RUNS]}
    assert set(routes) - asked == NAMED_ELSEWHERE


def _pattern(path: str) -> str:
    bare = path.replace("inbox/open/", "inbox/<slug:view>/").replace("{id}", "<int:conversation_id>")
    bare = bare.replace("messages/1/", "messages/<int:message_id>/").replace("outbox/1/", "outbox/<int:item_id>/")
    return f"<slug:shop>/{bare.replace('widget/1/', 'widget/<int:account_id>/')}"


def _routes(patterns: Iterable[Any], prefix: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        found += (
            _routes(pattern.url_patterns, route) if isinstance(pattern, URLResolver) else [(route, pattern.callback)]
        )
    return found
