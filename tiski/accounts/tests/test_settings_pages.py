"""The four settings pages of accounts: each section saves by itself and says what is wrong beside its cause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from io import BytesIO

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from tiski.accounts import actions as accounts
from tiski.accounts import queries
from tiski.accounts.errors import OverlappingIntervals, TooManyIntervals
from tiski.accounts.models import Agent, HoursException, Invitation, Membership, Shop
from tiski.accounts.web.hours_form import read_time
from tiski.kernel.scope import shop_scope

from .conftest import Teashop, facts

Browser = Callable[[Agent], Client]
HTMX = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.fixture
def noor(teashop: Teashop, browser_of: Browser) -> Client:
    """Noor's browser."""
    return browser_of(teashop.noor)


def picture(size: tuple[int, int] = (900, 600), kind: str = "PNG") -> SimpleUploadedFile:
    """An uploaded picture."""
    content = BytesIO()
    Image.new("RGB", size, (15, 91, 80)).save(content, kind)
    return SimpleUploadedFile("kuva.png", content.getvalue(), "image/png")


def week(**days: list[tuple[str, str]]) -> dict[str, list[str]]:
    """What the form of the week sends."""
    sent: dict[str, list[str]] = {}
    for day, spans in days.items():
        sent[f"{day}_opens"], sent[f"{day}_closes"] = [a for a, _b in spans], [b for _a, b in spans]
    return sent


def stored_week(shop: Shop) -> list[list[str]]:
    """The week as it is kept."""
    with shop_scope(shop.pk):
        return [[f"{a:%H:%M}-{b:%H:%M}" for a, b in day.spans] for day in queries.week()]


def test_the_shop_is_renamed(teashop: Teashop, noor: Client) -> None:
    sent = {"name": "Uusi Teepuoti", "language": "sv", "timezone": "Europe/Stockholm"}
    assert noor.post("/teepuoti/settings/shop/", sent)["Location"] == "/teepuoti/settings/shop/"
    shop = Shop.objects.get(pk=teashop.shop.pk)
    assert (shop.name, shop.language, shop.timezone) == ("Uusi Teepuoti", "sv", "Europe/Stockholm")
    assert facts("accounts.shop_changed") == [
        {"shop": shop.pk, "fields": ["name", "language", "timezone"], "ip": "127.0.0.1"}
    ]


def test_htmx_gets_the_section_alone_with_a_notice(teashop: Teashop, noor: Client) -> None:
    sent = {"name": "Uusi Teepuoti", "language": "fi", "timezone": "Europe/Helsinki"}
    answer = noor.post("/teepuoti/settings/shop/", sent, headers=HTMX)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in text
    assert 'hx-swap-oob="beforeend:#toasts"' in text


def test_a_shop_without_a_name_is_sent_back_with_422(teashop: Teashop, noor: Client) -> None:
    sent = {"name": "", "language": "fi", "timezone": "Europe/Helsinki"}
    for headers in ({}, HTMX):
        answer = noor.post("/teepuoti/settings/shop/", sent, headers=headers)
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.content.decode()
    assert Shop.objects.get(pk=teashop.shop.pk).name == "Teepuoti"


def test_a37_fields_that_are_not_in_the_form_change_nothing(teashop: Teashop, noor: Client) -> None:
    sent = {"name": "T", "language": "fi", "timezone": "Europe/Helsinki", "is_demo": "on", "key": "x", "id": "9"}
    noor.post("/teepuoti/settings/shop/", sent)
    noor.post("/account/", {"name": "N", "language": "fi", "theme": "dark", "density": "compact", "role": "owner",
                            "is_owner_of_instance": "", "email": "x@example.com"})  # fmt: skip
    shop, agent = Shop.objects.get(pk=teashop.shop.pk), Agent.objects.get(pk=teashop.noor.pk)
    assert (shop.key, shop.is_demo) == ("teepuoti", False)
    assert (agent.email, agent.is_owner_of_instance, agent.theme) == ("noor@teepuoti.example", True, "dark")


def test_a_logo_is_kept_small_and_shown_to_everyone(teashop: Teashop, noor: Client) -> None:
    answer = noor.post("/teepuoti/settings/brand/", {"colour": "#8A2B3C", "logo": picture()})
    assert answer.status_code == 302
    shop = Shop.objects.get(pk=teashop.shop.pk)
    assert shop.colour == "#8a2b3c"
    shown = Client().get(f"/pictures/{shop.logo}/")
    assert shown["Content-Type"] == "image/png"
    assert shown["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in shown
    assert Image.open(BytesIO(shown.getvalue())).size == (512, 341)
    noor.post("/teepuoti/settings/brand/", {"colour": "#8a2b3c", "remove_logo": "on"})
    assert Client().get(f"/pictures/{shop.logo}/").status_code == 404


@pytest.mark.parametrize("content", [b"", b"<svg onload=alert(1)>", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"x" * 100])
def test_a_logo_that_is_no_picture_is_refused_beside_its_field(teashop: Teashop, noor: Client, content: bytes) -> None:
    upload = SimpleUploadedFile("logo.png", content, "image/png")
    answer = noor.post("/teepuoti/settings/brand/", {"colour": "#0f5b50", "logo": upload})
    assert answer.status_code == 422
    assert 'id="id_logo-error"' in answer.content.decode()


def test_a_colour_that_is_none_is_refused(teashop: Teashop, noor: Client) -> None:
    assert noor.post("/teepuoti/settings/brand/", {"colour": "teal"}).status_code == 422
    assert Shop.objects.get(pk=teashop.shop.pk).colour == "#0f5b50"


def test_a_colour_is_tried_on_before_it_is_saved(teashop: Teashop, noor: Client) -> None:
    text = noor.get("/teepuoti/settings/brand/?colour=%23f5e6c8", headers=HTMX).content.decode()
    assert 'fill="#f5e6c8"' in text
    assert 'fill="#071413"' in text
    assert Shop.objects.get(pk=teashop.shop.pk).colour == "#0f5b50"
    evil = noor.get("/teepuoti/settings/brand/?colour=red%22onload", headers=HTMX).content.decode()
    assert 'fill="#0f5b50"' in evil


def test_a_face_is_set_and_removed(teashop: Teashop, noor: Client) -> None:
    noor.post("/account/photo/", {"picture": picture((100, 100), "JPEG")})
    photo = Agent.objects.get(pk=teashop.noor.pk).photo
    assert Client().get(f"/pictures/{photo}/").getvalue().startswith(b"\xff\xd8\xff")
    noor.post("/account/photo/", {"remove": "on"})
    assert Agent.objects.get(pk=teashop.noor.pk).photo == ""


def test_the_week_is_saved_with_two_openings_a_day_and_past_midnight(teashop: Teashop, noor: Client) -> None:
    sent = week(day_0=[("9", "12.30"), ("13:30", "1700")], day_4=[("20", "2")], day_5=[("10", "24")])
    assert noor.post("/teepuoti/settings/hours/", sent).status_code == 302
    assert stored_week(teashop.shop) == [
        ["09:00-12:30", "13:30-17:00"], [], [], [], ["20:00-02:00"], ["10:00-00:00"], [],
    ]  # fmt: skip
    assert len(facts("accounts.hours_changed")) == 1


def test_a_press_on_add_brings_an_empty_row_keeps_what_was_typed_and_saves_nothing(
    teashop: Teashop, noor: Client
) -> None:
    sent = week(day_0=[("8", "16")]) | {"add": ["day_5"]}
    text = noor.post("/teepuoti/settings/hours/", sent, headers=HTMX).content.decode()
    assert 'name="day_5_opens"' in text
    assert 'value="8"' in text
    assert stored_week(teashop.shop)[0] == ["09:00-17:00"]


@pytest.mark.parametrize("spans", [[("9", "")], [("", "17")], [("25", "26")], [("nine", "five")], [("9.75", "17")]])
def test_times_that_cannot_be_read_stand_beside_their_day(
    teashop: Teashop, noor: Client, spans: list[tuple[str, str]]
) -> None:
    answer = noor.post("/teepuoti/settings/hours/", week(day_2=spans), headers=HTMX)
    assert answer.status_code == 422
    assert 'id="day_2-error"' in answer.content.decode()
    assert stored_week(teashop.shop)[2] == ["09:00-17:00"]


def test_times_that_overlap_are_refused(teashop: Teashop, noor: Client) -> None:
    answer = noor.post("/teepuoti/settings/hours/", week(day_3=[("9", "13"), ("12", "17")]), headers=HTMX)
    assert answer.status_code == 422
    assert 'id="day_3-error"' in answer.content.decode()
    with pytest.raises(OverlappingIntervals):
        accounts.set_hours(teashop.shop, {0: [(time(20), time(4)), (time(22), time(23))]}, by=teashop.by_noor)
    spans = [(time(hour), time(hour, 30)) for hour in range(7)]
    with pytest.raises(TooManyIntervals):
        accounts.set_hours(teashop.shop, {0: spans}, by=teashop.by_noor)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("9", "09:00"), ("9.30", "09:30"), ("09:30", "09:30"), ("930", "09:30"), ("9,30", "09:30"), ("24", "00:00"),
     ("24.00", "00:00"), (" 0 ", "00:00"), ("2359", "23:59")],
)  # fmt: skip
def test_times_are_read_as_people_write_them(typed: str, meant: str) -> None:
    assert f"{read_time(typed):%H:%M}" == meant


@pytest.mark.parametrize("typed", ["", "24.30", "9.5", "-1", "9am", "99999", "٩"])
def test_what_is_no_time_is_not_read(typed: str) -> None:
    with pytest.raises(ValueError, match="is no time of day"):
        read_time(typed)


def test_the_page_says_when_the_shop_opens_next(teashop: Teashop, noor: Client) -> None:
    with time_machine.travel(1795345200):  # Sunday 22 November 2026, 13.00 in Helsinki
        browser_text = noor.get("/teepuoti/settings/hours/").content.decode()
    assert "maanantai 23. marraskuuta" in browser_text
    assert "9.00" in browser_text


def test_an_exception_is_added_replaced_and_removed(teashop: Teashop, noor: Client) -> None:
    there = "/teepuoti/settings/hours/exceptions/"
    sent = {"date": "2030-12-23", "kind": "open", "exception_opens": "9", "exception_closes": "13", "reason": "Aatto"}
    assert noor.post(there, sent).status_code == 302
    assert noor.post(there, sent | {"kind": "closed"}).status_code == 302
    exception = HoursException.unscoped.get()
    assert (exception.date, exception.intervals, exception.reason) == (date(2030, 12, 23), [], "Aatto")
    assert noor.post(f"{there}{exception.pk}/removal/", headers=HTMX).status_code == 200
    assert not HoursException.unscoped.exists()
    assert noor.post(f"{there}{exception.pk}/removal/").status_code == 404


@pytest.mark.parametrize("sent", [{}, {"date": "tomorrow"}, {"date": "2030-12-23", "kind": "open"}])
def test_an_exception_without_date_or_times_is_sent_back(teashop: Teashop, noor: Client, sent: dict[str, str]) -> None:
    assert noor.post("/teepuoti/settings/hours/exceptions/", sent).status_code == 422
    assert not HoursException.unscoped.exists()


def test_holidays_are_added_once_and_named_in_the_readers_language(teashop: Teashop, noor: Client) -> None:
    with time_machine.travel(1795345200):
        ticked = {"holiday": ["2026-12-24", "2026-12-25", "1999-01-01"]}
        for _press in range(2):
            noor.post("/teepuoti/settings/hours/holidays/", ticked)
        with shop_scope(teashop.shop.pk):
            rows = queries.exceptions(since=date(2026, 11, 22))
    assert [(row.date.isoformat(), row.spans) for row in rows] == [("2026-12-24", ()), ("2026-12-25", ())]
    assert all(row.reason for row in rows)


def test_people_are_invited_again_and_withdrawn(teashop: Teashop, noor: Client) -> None:
    there = "/teepuoti/settings/people/invitations/"
    assert noor.post(there, {"email": "ada@example.com", "role": "agent"}).status_code == 302
    assert noor.post(there, {"email": "mia@teepuoti.example", "role": "agent"}).status_code == 422
    assert noor.post(there, {"email": "x", "role": "boss"}).status_code == 422
    invitation = Invitation.unscoped.get()
    assert noor.post(f"{there}{invitation.pk}/withdrawal/").status_code == 302
    assert not Invitation.unscoped.get().is_open


def test_a_member_is_suspended_let_in_removed_and_taken_back(teashop: Teashop, noor: Client) -> None:
    there = f"/teepuoti/settings/people/{teashop.member(teashop.mia).pk}/"
    seen = []
    for step in ("suspension", "reinstatement", "removal", "return"):
        assert noor.post(f"{there}{step}/").status_code == 302
        seen.append(teashop.member(teashop.mia).is_current)
    assert seen == [False, True, False, True]
    assert teashop.member(teashop.mia).role == "agent"


def test_the_last_owner_is_told_why_not(teashop: Teashop, noor: Client) -> None:
    answer = noor.post(f"/teepuoti/settings/people/{teashop.member(teashop.noor).pk}/removal/")
    assert answer.status_code == 409
    assert 'role="alert"' in answer.content.decode()


def test_a32_a_member_of_another_shop_is_not_found(teashop: Teashop, noor: Client) -> None:
    other = accounts.create_shop(
        name="Kahvipuoti", key="kahvi", language="fi", timezone="Europe/Helsinki", by=teashop.by_mia
    )
    stranger = Membership.unscoped.get(shop=other, agent=teashop.mia)
    for step in ("role", "suspension", "reinstatement", "removal", "return"):
        assert noor.post(f"/teepuoti/settings/people/{stranger.pk}/{step}/", {"role": "viewer"}).status_code == 404
    invitation = accounts.invite(other, email="ada@example.com", role="agent", by=teashop.by_mia)
    address = f"/teepuoti/settings/people/invitations/{invitation.pk}/withdrawal/"
    assert noor.post(address).status_code == 404
    exception = accounts.add_exception(other, date(2030, 1, 1), by=teashop.by_mia)
    assert noor.post(f"/teepuoti/settings/hours/exceptions/{exception.pk}/removal/").status_code == 404


def test_an_admin_is_offered_every_role_but_owner(teashop: Teashop, browser_of: Browser) -> None:
    accounts.change_role(teashop.member(teashop.mia), to="admin", by=teashop.by_noor)
    text = browser_of(teashop.mia).get("/teepuoti/settings/people/").content.decode()
    assert 'value="owner"' not in text
    assert 'value="admin"' in text


def test_a_name_that_is_markup_is_shown_as_text(teashop: Teashop, noor: Client) -> None:
    given = {"language": "fi", "theme": "system", "density": "comfortable", "single_keys": True}
    accounts.update_profile(teashop.mia, name="<img src=x onerror=alert(1)>", **given, by=teashop.by_mia)  # type: ignore[arg-type]
    text = noor.get("/teepuoti/settings/people/").content.decode()
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text


def test_a63_reading_every_page_changes_nothing(teashop: Teashop, noor: Client) -> None:
    before = _everything()
    for path in ("shop", "brand", "hours", "people"):
        assert noor.get(f"/teepuoti/settings/{path}/").status_code == 200
    for path in ("/account/", "/account/sessions/", "/password/change/", "/password/reset/", "/sign-out/"):
        assert noor.get(path).status_code == 200
    assert _everything() == before


def _everything() -> list[object]:
    models = (Shop, Agent, Membership, Invitation, HoursException)
    return [list(model._base_manager.order_by("pk").values()) for model in models]
