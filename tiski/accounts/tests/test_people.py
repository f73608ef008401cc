"""Who may be what in the tea shop."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.db import connections

from tiski.accounts import actions as accounts
from tiski.accounts import queries
from tiski.accounts.errors import (
    AddressTaken,
    AlreadyMember,
    AlreadySetUp,
    BadAddress,
    KeyTaken,
    LastOwner,
    NameMissing,
    NotAMember,
    OnlyOwners,
    UnknownChoice,
    UnknownTimezone,
)
from tiski.accounts.models import Agent, AgentSession, Membership
from tiski.accounts.policies import actor_of
from tiski.kernel.action import SYSTEM
from tiski.kernel.scope import shop_scope

from .conftest import PASSWORD, Teashop, facts


def test_the_one_who_opens_a_shop_owns_it(teashop: Teashop) -> None:
    assert teashop.member(teashop.noor).role == "owner"
    assert facts("accounts.membership_started") == [
        {"agent": teashop.noor.pk, "role": "owner", "invitation": None, "ip": ""},
        {"agent": teashop.mia.pk, "role": "agent", "invitation": None, "ip": ""},
    ]


def test_a_new_shop_is_open_on_workdays_from_nine_to_five(teashop: Teashop) -> None:
    with shop_scope(teashop.shop.pk):
        week = queries.week()
    assert [[f"{a:%H}-{b:%H}" for a, b in day.spans] for day in week] == [["09-17"]] * 5 + [[], []]


@pytest.mark.parametrize("key", ["teepuoti", "sign-in", "static", "demo"])
def test_a_key_in_use_is_refused(teashop: Teashop, key: str) -> None:
    with pytest.raises(KeyTaken) as refused:
        accounts.create_shop(name="Toinen", key=key, language="fi", timezone="Europe/Helsinki", by=SYSTEM)
    assert refused.value.field == "key"


@pytest.mark.parametrize(
    ("field", "value", "refusal"),
    [("name", "  ", NameMissing), ("language", "xx", UnknownChoice), ("timezone", "Mars/Phobos", UnknownTimezone)],
)
def test_a_shop_needs_a_name_a_language_and_a_clock(
    teashop: Teashop, field: str, value: str, refusal: type[Exception]
) -> None:
    given = {"name": "Teepuoti", "language": "fi", "timezone": "Europe/Helsinki", field: value}
    with pytest.raises(refusal):
        accounts.update_shop(teashop.shop, **given, by=teashop.by_noor)


def test_saving_a_shop_unchanged_tells_nobody(teashop: Teashop) -> None:
    accounts.update_shop(teashop.shop, name="Teepuoti", language="fi", timezone="Europe/Helsinki", by=teashop.by_noor)
    assert facts("accounts.shop_changed") == []


def test_a46_set_up_happens_once(teashop: Teashop) -> None:
    with pytest.raises(AlreadySetUp):
        accounts.first_owner(name="Ada Virtanen", email="ada@example.com", password=PASSWORD)
    assert Agent.objects.filter(is_owner_of_instance=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a46_of_twenty_parallel_set_ups_one_succeeds() -> None:
    def set_up(number: int) -> bool:
        try:
            accounts.first_owner(name="Noor Haddad", email=f"noor{number}@teepuoti.example", password=PASSWORD)
        except AlreadySetUp:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(set_up, range(20)))
    assert results.count(True) == 1
    assert Agent.objects.count() == 1


def test_one_address_is_one_agent_whatever_its_case(teashop: Teashop) -> None:
    with pytest.raises(AddressTaken):
        accounts.create_agent(name="Mia", email=" MIA@Teepuoti.Example ", password=PASSWORD, by=SYSTEM)


def test_what_is_no_address_is_refused(teashop: Teashop) -> None:
    with pytest.raises(BadAddress) as refused:
        accounts.create_agent(name="Mia", email="mia at teepuoti", password=PASSWORD, by=SYSTEM)
    assert refused.value.field == "email"


def test_a_member_is_added_once(teashop: Teashop) -> None:
    with pytest.raises(AlreadyMember):
        accounts.add_member(teashop.shop, teashop.mia, role="agent", by=teashop.by_noor)


def test_who_left_may_come_back_with_the_same_history(teashop: Teashop) -> None:
    before = teashop.member(teashop.mia)
    accounts.remove_member(before, by=teashop.by_noor)
    accounts.add_member(teashop.shop, teashop.mia, role="viewer", by=teashop.by_noor)
    after = teashop.member(teashop.mia)
    assert (after.pk, after.role, after.left_at) == (before.pk, "viewer", None)


def test_the_last_owner_can_neither_leave_nor_step_down(teashop: Teashop) -> None:
    for act in (accounts.remove_member, accounts.suspend_member):
        with pytest.raises(LastOwner):
            act(teashop.member(teashop.noor), by=teashop.by_noor)
    with pytest.raises(LastOwner):
        accounts.change_role(teashop.member(teashop.noor), to="admin", by=teashop.by_noor)


def test_an_owner_may_leave_when_there_is_another(teashop: Teashop) -> None:
    accounts.change_role(teashop.member(teashop.mia), to="owner", by=teashop.by_noor)
    accounts.remove_member(teashop.member(teashop.noor), by=teashop.by_noor)
    assert queries.role_in(teashop.shop.pk, teashop.noor.pk) is None
    assert facts("accounts.membership_ended") == [{"agent": teashop.noor.pk, "role": "owner", "ip": ""}]


def test_an_admin_neither_makes_nor_unmakes_owners(teashop: Teashop) -> None:
    accounts.change_role(teashop.member(teashop.mia), to="admin", by=teashop.by_noor)
    with pytest.raises(OnlyOwners):
        accounts.change_role(teashop.member(teashop.mia), to="owner", by=teashop.by_mia)
    with pytest.raises(OnlyOwners):
        accounts.remove_member(teashop.member(teashop.noor), by=teashop.by_mia)
    with pytest.raises(OnlyOwners):
        accounts.invite(teashop.shop, email="ada@example.com", role="owner", by=teashop.by_mia)


def test_a_suspended_member_is_out_until_let_in_again(teashop: Teashop) -> None:
    accounts.suspend_member(teashop.member(teashop.mia), by=teashop.by_noor)
    assert queries.membership(teashop.mia, "teepuoti") is None
    accounts.reinstate_member(teashop.member(teashop.mia), by=teashop.by_noor)
    assert queries.role_in(teashop.shop.pk, teashop.mia.pk) == "agent"


def test_a_deactivated_agent_is_in_no_shop(teashop: Teashop) -> None:
    accounts.deactivate_agent(teashop.mia, by=teashop.by_noor)
    assert queries.shops_of(teashop.mia) == []
    assert not teashop.member(teashop.mia).is_current


def test_an_agent_sees_the_shops_they_work_in(teashop: Teashop) -> None:
    accounts.create_shop(
        name="Kahvipuoti", key="kahvi", language="sv", timezone="Europe/Stockholm", by=teashop.by_noor, is_demo=True
    )
    assert [(shop.key, shop.role) for shop in queries.shops_of(teashop.noor)] == [
        ("kahvi", "owner"),
        ("teepuoti", "owner"),
    ]
    first = queries.first_shop(teashop.noor)
    assert first is not None
    assert first.key == "teepuoti"
    assert [shop.key for shop in queries.shops_of(teashop.mia)] == ["teepuoti"]


def test_the_list_of_people_has_owners_first_and_one_query_a_table(
    teashop: Teashop, django_assert_num_queries: object
) -> None:
    with shop_scope(teashop.shop.pk), django_assert_num_queries(2):  # type: ignore[operator]
        assert [(member.name, member.role) for member in queries.members()] == [
            ("Noor Haddad", "owner"),
            ("Mia Mäkinen", "agent"),
        ]


def test_viewers_are_not_among_those_who_answer(teashop: Teashop) -> None:
    accounts.change_role(teashop.member(teashop.mia), to="viewer", by=teashop.by_noor)
    with shop_scope(teashop.shop.pk):
        assert [member.name for member in queries.members(answering=True)] == ["Noor Haddad"]
        assert [(face.id, face.name) for face in queries.answering()] == [(teashop.noor.pk, "Noor Haddad")]


def test_a_team_takes_only_members_of_its_shop(teashop: Teashop) -> None:
    ada = accounts.create_agent(name="Ada Virtanen", email="ada@example.com", by=SYSTEM)
    team = accounts.create_team(teashop.shop, name="Palautukset", by=teashop.by_noor)
    accounts.add_to_team(team, teashop.mia, by=teashop.by_noor)
    with pytest.raises(NotAMember):
        accounts.add_to_team(team, ada, by=teashop.by_noor)
    with shop_scope(teashop.shop.pk):
        assert [(each.name, each.agent_ids) for each in queries.teams()] == [("Palautukset", (teashop.mia.pk,))]


def test_a_demo_shop_goes_with_all_it_holds_and_a_real_one_stays(teashop: Teashop) -> None:
    demo = accounts.create_shop(
        name="Demo", key="demokauppa", language="fi", timezone="Europe/Helsinki", by=teashop.by_noor, is_demo=True
    )
    shop_id = demo.pk
    accounts.remove_shop(demo, by=teashop.by_noor)
    assert not Membership.unscoped.filter(shop_id=shop_id).exists()
    with pytest.raises(Exception, match="demo shop"):
        accounts.remove_shop(teashop.shop, by=teashop.by_noor)


def test_a_new_password_ends_every_session_but_the_one_kept(teashop: Teashop) -> None:
    for key in ("here", "elsewhere"):
        AgentSession.objects.create(session_key=key, agent=teashop.mia, expire_date="2030-01-01T00:00:00Z")
    accounts.change_password(teashop.mia, password="uusi salasana", keep_session="here", by=teashop.by_mia)
    assert list(AgentSession.objects.values_list("session_key", flat=True)) == ["here"]
    assert facts("accounts.sessions_ended") == [
        {"agent": teashop.mia.pk, "sessions": ["elsewhere"], "reason": "password", "ip": ""}
    ]


def test_passwords_are_kept_as_argon2(teashop: Teashop, settings: object) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]  # type: ignore[attr-defined]
    accounts.change_password(teashop.mia, password="uusi salasana", by=actor_of(teashop.mia))
    assert identify_hasher(Agent.objects.get(pk=teashop.mia.pk).password).algorithm == "argon2"
