"""The config tells what is so: the shop, its people, its hours, its colours, in the language asked for."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine

from tiski.accounts import actions as accounts
from tiski.conversations import actions as conversations
from tiski.kernel.action import SYSTEM
from tiski.testing.world import World, tea_shop
from tiski.widget.look import Opening, look_of, opening_of, tried_on
from tiski.widget.web.config import config_for, supported

pytestmark = pytest.mark.django_db

SUNDAY_NOON = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
MONDAY_NOON = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.fixture
def world() -> World:
    return tea_shop()


def open_on_weekdays(world: World) -> None:
    accounts.set_hours(world.shop, {day: [(time(9), time(17))] for day in range(5)}, by=world.by_noor)


def dressed(world: World, **settings: object) -> World:
    with world.scope():
        conversations.change_channel(world.widget, settings=settings, by=SYSTEM)
    return world


def test_a_new_shop_has_a_name_its_colour_and_the_people_who_answer(world: World) -> None:
    config = config_for(world.widget, "en")
    assert config["key"] == world.widget.key
    assert config["lang"] == "en"
    assert config["shop"] == {"name": "Teepuoti", "logo": None}
    assert config["colour"]["brand"] == "#0f5b50"
    assert config["people"] == [{"name": "Noor", "photo": None}, {"name": "Mia", "photo": None}]
    assert (config["position"], config["theme"], config["welcome"]) == ("end", "auto", "")
    assert config["api"] == f"/w/{world.widget.key}/"
    assert config["socket"] == f"/w/{world.widget.key}/live"


def test_logo_and_faces_are_public_addresses(world: World) -> None:
    accounts.update_brand(world.shop, logo="ab" * 16, by=world.by_noor)
    accounts.set_photo(world.mia, "cd" * 16, by=world.by_mia)
    config = config_for(world.widget, "fi")
    assert config["shop"]["logo"] == f"/pictures/{'ab' * 16}/"
    assert config["people"][1]["photo"] == f"/pictures/{'cd' * 16}/"


def test_a_shop_may_keep_its_people_to_itself(world: World) -> None:
    assert config_for(dressed(world, shows_people=False).widget, "fi")["people"] == []


def test_settings_that_make_no_sense_are_passed_over(world: World) -> None:
    config = config_for(dressed(world, position="middle", theme=7, welcome=["hei"]).widget, "fi")
    assert (config["position"], config["theme"], config["welcome"]) == ("end", "auto", "")


def test_the_welcome_is_told_in_the_language_it_was_written_in(world: World) -> None:
    dressed(world, welcome={"fi": "Tervetuloa teelle!", "sv": " "})
    assert config_for(world.widget, "fi")["welcome"] == "Tervetuloa teelle!"
    assert config_for(world.widget, "sv")["welcome"] == ""


@pytest.mark.parametrize(
    ("asked", "spoken"), [("fi", "fi"), ("sv-FI", "sv"), ("EN", "en"), ("en_GB", "en"), ("ar", "fi"), ("", "fi")]
)
def test_an_unknown_language_gives_the_shops_own(asked: str, spoken: str) -> None:
    assert supported(asked, "fi") == spoken


def test_without_hours_the_counter_promises_nothing(world: World) -> None:
    accounts.set_hours(world.shop, {}, by=world.by_noor)
    hours = config_for(world.widget, "fi")["hours"]
    assert hours == {"open": True, "opens_at": None, "closes_at": None, "hours": False}


def test_an_open_counter_tells_when_it_closes_and_opens_next(world: World) -> None:
    open_on_weekdays(world)
    with time_machine.travel(MONDAY_NOON, tick=False):
        hours = config_for(world.widget, "fi")["hours"]
    assert hours == {
        "open": True,
        "opens_at": "2026-11-24T07:00:00+00:00",
        "closes_at": "2026-11-23T15:00:00+00:00",
        "hours": True,
    }


def test_a_closed_counter_tells_when_it_opens(world: World) -> None:
    open_on_weekdays(world)
    assert opening_of(world.shop, SUNDAY_NOON) == Opening(
        is_open=False, opens_at=SUNDAY_NOON + timedelta(hours=21), closes_at=None, has_hours=True
    )


def test_wishes_are_tried_on_and_nonsense_is_not(world: World) -> None:
    look = look_of(world.widget)
    wishes = {
        "colour": "#AA3344",
        "theme": "dark",
        "position": "start",
        "welcome": "Hei!",
        "lang": "fi",
        "name": "Teetupa",
    }
    tried = tried_on(look, wishes)
    assert (tried.colour, tried.theme, tried.position, tried.shop) == ("#aa3344", "dark", "start", "Teetupa")
    assert tried.welcome == {"fi": "Hei!"}
    assert tried_on(look, {"colour": "red; x", "theme": "neon", "position": "up", "name": " "}) == look
    assert tried_on(look, {"shows_people": "no"}).people == ()


def test_reading_a_look_takes_few_queries(world: World, django_assert_max_num_queries: object) -> None:
    open_on_weekdays(world)
    with django_assert_max_num_queries(7):  # type: ignore[operator]
        look_of(world.widget)
