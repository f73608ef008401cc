"""Signing in, forgetting the password, and being signed out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.http import HttpRequest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from tiski.accounts import actions as accounts
from tiski.accounts import letters
from tiski.accounts.models import Agent, AgentSession
from tiski.accounts.web import adapter
from tiski.accounts.web.adapter import SignInAdapter
from tiski.kernel import clock
from tiski.kernel.tokens import BadToken

from .conftest import PASSWORD, Teashop, facts

Browser = Callable[[Agent], Client]
Deliver = Callable[[], int]


def try_password(email: str, password: str, *, ip: str = "127.0.0.1") -> object:
    """One attempt in a fresh browser."""
    return Client(REMOTE_ADDR=ip).post("/sign-in/", {"login": email, "password": password})


def reset_link(agent: Agent) -> str:
    """The address in a reset letter made now."""
    found = re.search(r"http://localhost:8000(\S+)", letters.reset_letter(agent).body)
    assert found is not None
    return found[1]


def test_signing_in_leads_to_the_start_and_is_told(teashop: Teashop) -> None:
    answer = try_password("Mia@Teepuoti.Example", PASSWORD, ip="192.0.2.7")
    assert (answer.status_code, answer["Location"]) == (302, "/")  # type: ignore[attr-defined,index]
    assert facts("accounts.signed_in") == [{"agent": teashop.mia.pk, "ip": "192.0.2.7"}]


def test_signing_in_leads_back_to_where_one_was_going(teashop: Teashop) -> None:
    there = Client().get("/account/sessions/")
    assert there["Location"] == "/sign-in/?next=/account/sessions/"
    data = {"login": teashop.mia.email, "password": PASSWORD, "next": "/account/sessions/"}
    assert Client().post("/sign-in/", data)["Location"] == "/account/sessions/"


@pytest.mark.parametrize("evil", ["//evil.example/", "https://evil.example/", r"/\evil.example", "javascript:alert(1)"])
def test_a56_signing_in_leads_nowhere_else(teashop: Teashop, evil: str) -> None:
    answer = Client().post("/sign-in/", {"login": teashop.mia.email, "password": PASSWORD, "next": evil})
    assert answer["Location"] == "/"


def test_a43_a_wrong_password_and_an_unknown_address_look_the_same(teashop: Teashop) -> None:
    pages = []
    for email in ("mia@teepuoti.example", "nobody@teepuoti.example"):
        answer = try_password(email, "wrong password")
        assert answer.status_code == 422  # type: ignore[attr-defined]
        text = answer.content.decode().replace(email, "…")  # type: ignore[attr-defined]
        pages.append(re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text))
    assert pages[0] == pages[1]
    assert [fact["agent"] for fact in facts("accounts.sign_in_failed")] == [teashop.mia.pk, None]


def test_a_deactivated_agent_is_told_no_more_than_a_stranger(teashop: Teashop) -> None:
    accounts.deactivate_agent(teashop.mia, by=teashop.by_noor)
    answer = try_password(teashop.mia.email, PASSWORD)
    assert answer.status_code == 422  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "sent", [{}, {"login": "", "password": ""}, {"login": "mia@teepuoti.example", "password": "\x00"}]
)
def test_a43_empty_and_odd_input_signs_nobody_in(teashop: Teashop, sent: dict[str, str]) -> None:
    assert Client().post("/sign-in/", sent).status_code == 422


def test_a43_guessing_is_limited_for_one_account_from_one_address(teashop: Teashop) -> None:
    for _attempt in range(10):
        try_password(teashop.mia.email, "wrong password")
    answer = try_password(teashop.mia.email, PASSWORD)
    assert answer.status_code == 429  # type: ignore[attr-defined]
    assert int(answer["Retry-After"]) > 0  # type: ignore[index]
    assert try_password(teashop.mia.email, PASSWORD, ip="192.0.2.8").status_code == 302  # type: ignore[attr-defined]


def test_a43_guessing_is_limited_for_one_account_from_everywhere(
    teashop: Teashop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "FAILURES_OF_AN_ACCOUNT", (4, 3600.0))
    for number in range(4):
        try_password(teashop.mia.email, "wrong password", ip=f"192.0.2.{number}")
    assert try_password(teashop.mia.email, PASSWORD, ip="192.0.2.99").status_code == 429  # type: ignore[attr-defined]
    assert try_password(teashop.noor.email, PASSWORD, ip="192.0.2.99").status_code == 302  # type: ignore[attr-defined]


def test_a43_guessing_is_limited_for_the_whole_instance(teashop: Teashop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "FAILURES_OF_THE_INSTANCE", (3, 3600.0))
    for number in range(3):
        try_password(f"guess{number}@example.com", "wrong password", ip=f"198.51.100.{number}")
    assert try_password(teashop.noor.email, PASSWORD, ip="192.0.2.99").status_code == 429  # type: ignore[attr-defined]


def test_right_passwords_do_not_use_the_limit_up(teashop: Teashop) -> None:
    for _attempt in range(12):
        assert try_password(teashop.mia.email, PASSWORD).status_code == 302  # type: ignore[attr-defined]


def test_nobody_can_sign_up(db: None) -> None:
    with pytest.raises(NoReverseMatch):
        reverse("account_signup")
    assert not SignInAdapter(None).is_open_for_signup(HttpRequest())


def test_signing_out_takes_a_press(teashop: Teashop, browser_of: Browser) -> None:
    browser = browser_of(teashop.mia)
    assert browser.get("/sign-out/").status_code == 200
    assert browser.get("/account/").status_code == 200
    assert browser.post("/sign-out/")["Location"] == "/sign-in/"
    assert browser.get("/account/")["Location"] == "/sign-in/?next=/account/"
    assert [(fact["agent"], fact["reason"]) for fact in facts("accounts.sessions_ended")] == [
        (teashop.mia.pk, "signed_out")
    ]


def test_a43_asking_for_a_reset_answers_the_same_for_everyone(teashop: Teashop) -> None:
    answers = [
        Client().post("/password/reset/", {"email": email}, follow=True)
        for email in ("Mia@teepuoti.example", "nobody@teepuoti.example")
    ]
    assert answers[0].content == answers[1].content
    assert [fact["agent"] for fact in facts("accounts.password_reset_requested")] == [teashop.mia.pk, None]


def test_only_a_known_address_gets_a_reset_letter(
    teashop: Teashop, deliver: Deliver, capsys: pytest.CaptureFixture[str]
) -> None:
    Client().post("/password/reset/", {"email": "nobody@teepuoti.example"})
    deliver()
    assert "Mail" not in capsys.readouterr().out
    Client().post("/password/reset/", {"email": "mia@teepuoti.example"})
    deliver()
    printed = capsys.readouterr().out
    assert "To: mia@teepuoti.example" in printed
    assert re.search(r"http://localhost:8000/password/reset/\d+/\S+/", printed)


def test_a42_a_hostile_host_header_stays_out_of_the_letter(
    teashop: Teashop, deliver: Deliver, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = Client(headers={"host": "evil.example"}).post("/password/reset/", {"email": "mia@teepuoti.example"})
    assert answer.status_code == 400
    Client(headers={"x-forwarded-host": "evil.example"}).post("/password/reset/", {"email": "mia@teepuoti.example"})
    deliver()
    printed = capsys.readouterr().out
    assert "http://localhost:8000/password/reset/" in printed
    assert "evil" not in printed


def test_reset_letters_to_one_address_are_limited(teashop: Teashop) -> None:
    statuses = [Client().post("/password/reset/", {"email": "mia@teepuoti.example"}).status_code for _ in range(4)]
    assert statuses == [302, 302, 302, 429]


def test_a_reset_link_changes_the_password_once_and_ends_every_session(teashop: Teashop, browser_of: Browser) -> None:
    elsewhere = browser_of(teashop.mia)
    teashop.mia.refresh_from_db()
    link = reset_link(teashop.mia)
    assert Client().get(link).status_code == 200
    assert Client().post(link, {"password": "aivan uusi salasana"})["Location"] == "/sign-in/"
    assert elsewhere.get("/account/").status_code == 302
    assert Client().get(link).status_code == 404
    assert try_password(teashop.mia.email, "aivan uusi salasana").status_code == 302  # type: ignore[attr-defined]


def test_a_weak_new_password_is_sent_back_with_the_reason(teashop: Teashop) -> None:
    answer = Client().post(reset_link(teashop.mia), {"password": "password"})
    assert answer.status_code == 422
    assert Agent.objects.get(pk=teashop.mia.pk).check_password(PASSWORD)


def test_a44_a_reset_link_dies_after_a_day_a_sign_in_and_a_change_of_role(teashop: Teashop) -> None:
    old = reset_link(teashop.mia)
    with time_machine.travel((clock.now() + timedelta(hours=25)).timestamp()):
        assert Client().get(old).status_code == 404
    try_password(teashop.mia.email, PASSWORD)
    assert Client().get(old).status_code == 404
    teashop.mia.refresh_from_db()
    fresh = reset_link(teashop.mia)
    accounts.change_role(teashop.member(teashop.mia), to="viewer", by=teashop.by_noor)
    assert Client().get(fresh).status_code == 404


def test_a44_of_two_who_press_one_reset_link_at_once_one_succeeds(teashop: Teashop) -> None:
    first, second = (Agent.objects.get(pk=teashop.mia.pk) for _ in range(2))  # both links were checked already
    accounts.reset_password(first, password="aivan uusi salasana", by=teashop.by_mia)
    with pytest.raises(BadToken):
        accounts.reset_password(second, password="varkaan oma salasana", by=teashop.by_mia)
    assert Agent.objects.get(pk=teashop.mia.pk).check_password("aivan uusi salasana")


@pytest.mark.parametrize("token", ["0", "null", "x", "c-0", "A" * 300])
def test_a43_odd_reset_tokens_open_nothing(teashop: Teashop, token: str) -> None:
    assert Client().get(f"/password/reset/{teashop.mia.pk}/{token}/").status_code == 404
    assert Client().get(f"/password/reset/99999/{token}/").status_code == 404


def test_the_reset_page_tells_others_no_path_and_is_never_cached(teashop: Teashop) -> None:
    answer = Client().get(reset_link(teashop.mia))
    assert answer["Referrer-Policy"] == "strict-origin"
    assert "no-store" in answer["Cache-Control"]


def test_a35_changing_the_password_ends_other_sessions_and_keeps_this_one(
    teashop: Teashop, browser_of: Browser, deliver: Deliver, capsys: pytest.CaptureFixture[str]
) -> None:
    here, elsewhere = browser_of(teashop.mia), browser_of(teashop.mia)
    answer = here.post("/password/change/", {"oldpassword": PASSWORD, "password1": "aivan uusi salasana"})
    assert answer["Location"] == "/account/"
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302
    deliver()
    assert "To: mia@teepuoti.example" in capsys.readouterr().out


def test_changing_the_password_takes_the_present_one(teashop: Teashop, browser_of: Browser) -> None:
    answer = browser_of(teashop.mia).post(
        "/password/change/", {"oldpassword": "guess", "password1": "aivan uusi salasana"}
    )
    assert answer.status_code == 422
    assert Agent.objects.get(pk=teashop.mia.pk).check_password(PASSWORD)


def test_a43_guessing_the_present_password_is_limited(teashop: Teashop, browser_of: Browser) -> None:
    browser = browser_of(teashop.mia)
    sent = {"oldpassword": "guess", "password1": "aivan uusi salasana"}
    assert [browser.post("/password/change/", sent).status_code for _ in range(11)] == [422] * 10 + [429]


def test_a35_a_changed_role_signs_the_member_out_at_once(teashop: Teashop, browser_of: Browser) -> None:
    browser = browser_of(teashop.mia)
    accounts.change_role(teashop.member(teashop.mia), to="viewer", by=teashop.by_noor)
    assert browser.get("/account/").status_code == 302
    assert not AgentSession.objects.filter(agent=teashop.mia).exists()


def test_a35_a_deactivated_agent_is_out_at_once(teashop: Teashop, browser_of: Browser) -> None:
    browser = browser_of(teashop.mia)
    accounts.deactivate_agent(teashop.mia, by=teashop.by_noor)
    assert browser.get("/account/").status_code == 302


def test_a41_headers_that_claim_a_user_are_ignored(teashop: Teashop) -> None:
    claims = {"x-remote-user": teashop.noor.email, "remote-user": teashop.noor.email}
    assert Client(headers=claims).get("/account/").status_code == 302
