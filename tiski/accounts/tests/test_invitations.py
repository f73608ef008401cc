"""Inviting people: the link works once, for one address, in one shop, and no longer than its maker may invite."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from tiski.accounts import actions as accounts
from tiski.accounts import letters
from tiski.accounts.errors import AddressTaken, AlreadyMember, InvitationGone, InvitedSomeoneElse
from tiski.accounts.models import Agent, Invitation, Membership
from tiski.accounts.policies import actor_of
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM

from .conftest import PASSWORD, Teashop

Browser = Callable[[Agent], Client]


@pytest.fixture
def invitation(teashop: Teashop) -> Invitation:
    """Noor has invited Ada as an agent."""
    return accounts.invite(teashop.shop, email="Ada@Example.com", role="agent", by=teashop.by_noor)


def path_of(invitation: Invitation) -> str:
    """The address in the letter, without the host."""
    return letters.invitation_link(invitation).removeprefix("http://localhost:8000")


def test_the_letter_names_shop_inviter_and_role_and_links_to_the_configured_address(invitation: Invitation) -> None:
    letter = letters.invitation_letter(invitation)
    assert letter.to == "ada@example.com"
    assert "Noor Haddad" in letter.body
    assert "Teepuoti" in letter.subject
    assert "http://localhost:8000/teepuoti/invitations/" in letter.body


def test_a_newcomer_joins_with_name_and_password(teashop: Teashop, invitation: Invitation) -> None:
    browser = Client()
    assert browser.get(path_of(invitation)).status_code == 200
    answer = browser.post(path_of(invitation), {"name": "Ada Virtanen", "password": "kolme kuppia teetä"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    ada = Agent.objects.get(email="ada@example.com")
    assert teashop.member(ada).role == "agent"
    assert browser.get("/account/").status_code == 200


def test_a44_a_scanner_that_opens_the_link_uses_nothing_up(invitation: Invitation) -> None:
    for _time in range(3):
        assert Client().get(path_of(invitation)).status_code == 200
    invitation.refresh_from_db()
    assert invitation.is_open


def test_a44_a_used_link_is_gone(invitation: Invitation) -> None:
    used = path_of(invitation)
    Client().post(used, {"name": "Ada Virtanen", "password": "kolme kuppia teetä"})
    assert Client().get(used).status_code == 404
    assert Client().post(used, {"name": "Eve", "password": "neljä kuppia teetä"}).status_code == 404


def test_a44_an_old_link_is_gone(invitation: Invitation) -> None:
    old = path_of(invitation)
    with time_machine.travel(clock.now() + timedelta(days=8)):
        assert Client().get(old).status_code == 404


def test_a44_a_link_opens_nothing_in_another_shop(teashop: Teashop, invitation: Invitation) -> None:
    accounts.create_shop(name="Kahvipuoti", key="kahvi", language="fi", timezone="Europe/Helsinki", by=teashop.by_noor)
    elsewhere = path_of(invitation).replace("/teepuoti/", "/kahvi/")
    assert Client().get(elsewhere).status_code == 404
    nowhere = path_of(invitation).replace("/teepuoti/", "/olematon/")
    assert Client().get(nowhere).content == Client().get(elsewhere).content


def test_a44_a_link_dies_with_the_role_of_its_maker(teashop: Teashop) -> None:
    accounts.change_role(teashop.member(teashop.mia), to="admin", by=teashop.by_noor)
    invitation = accounts.invite(teashop.shop, email="ada@example.com", role="agent", by=teashop.by_mia)
    accounts.change_role(teashop.member(teashop.mia), to="agent", by=teashop.by_noor)
    with pytest.raises(InvitationGone):
        accounts.join_by_invitation(invitation, name="Ada", password=PASSWORD, language="fi", by=SYSTEM)
    assert not Agent.objects.filter(email="ada@example.com").exists()


@pytest.mark.parametrize("token", ["", "0", "x", "null", "A" * 2000, "%00"])
def test_a43_short_empty_and_odd_tokens_open_nothing(teashop: Teashop, token: str) -> None:
    assert Client().get(f"/teepuoti/invitations/{token}/").status_code == 404


def test_a_withdrawn_invitation_is_gone(teashop: Teashop, invitation: Invitation) -> None:
    accounts.withdraw_invitation(teashop.shop, invitation.pk, by=teashop.by_noor)
    assert Client().get(path_of(invitation)).status_code == 404
    with pytest.raises(InvitationGone):
        accounts.withdraw_invitation(teashop.shop, invitation.pk, by=teashop.by_noor)


def test_inviting_again_ends_the_earlier_link(teashop: Teashop, invitation: Invitation) -> None:
    again = accounts.invite(teashop.shop, email="ada@example.com", role="viewer", by=teashop.by_noor)
    assert Client().get(path_of(invitation)).status_code == 404
    assert Client().get(path_of(again)).status_code == 200


def test_a_member_is_not_invited(teashop: Teashop) -> None:
    with pytest.raises(AlreadyMember) as refused:
        accounts.invite(teashop.shop, email="mia@teepuoti.example", role="agent", by=teashop.by_noor)
    assert refused.value.field == "email"


def test_who_signs_in_already_is_led_to_sign_in_and_accepts_there(
    teashop: Teashop, invitation: Invitation, browser_of: Browser
) -> None:
    ada = accounts.create_agent(name="Ada Virtanen", email="ada@example.com", password=PASSWORD, by=SYSTEM)
    path = path_of(invitation)
    assert f"/sign-in/?next={path}" in Client().get(path).content.decode()
    browser = browser_of(ada)
    assert browser.get(path).status_code == 200
    assert not Membership.unscoped.filter(agent=ada).exists()
    assert browser.post(path_of(invitation))["Location"] == "/"
    assert teashop.member(ada).role == "agent"


def test_another_agent_cannot_take_the_invitation(
    teashop: Teashop, invitation: Invitation, browser_of: Browser
) -> None:
    assert browser_of(teashop.mia).post(path_of(invitation)).status_code == 403
    with pytest.raises(InvitedSomeoneElse):
        accounts.accept_invitation(invitation, agent=teashop.mia, by=teashop.by_mia)


def test_joining_does_not_take_over_an_agent_who_came_in_between(invitation: Invitation) -> None:
    ada = accounts.create_agent(name="Ada Virtanen", email="ada@example.com", password=PASSWORD, by=SYSTEM)
    with pytest.raises(AddressTaken):
        accounts.join_by_invitation(invitation, name="Eve", password="toinen salasana", language="fi", by=SYSTEM)
    assert Agent.objects.get(pk=ada.pk).check_password(PASSWORD)


def test_two_who_press_at_once_come_in_once(teashop: Teashop, invitation: Invitation) -> None:
    ada = accounts.create_agent(name="Ada Virtanen", email="ada@example.com", password=PASSWORD, by=SYSTEM)
    accounts.accept_invitation(invitation, agent=ada, by=actor_of(ada))
    with pytest.raises(InvitationGone):
        accounts.accept_invitation(invitation, agent=ada, by=actor_of(ada))


def test_the_page_with_a_token_in_its_address_tells_others_no_path(invitation: Invitation) -> None:
    assert Client().get(path_of(invitation))["Referrer-Policy"] == "strict-origin"
