"""The automatic answer: once, in budget, in the sender's language, echoing nothing, and never to a machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import time_machine

from tiski.accounts import actions as accounts
from tiski.channels.email import acknowledging, marks
from tiski.conversations import actions as conversations
from tiski.conversations.models import OutboxItem
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM

if TYPE_CHECKING:
    from tiski.testing.letterbox import Post

Travel = Callable[[datetime], time_machine.travel]
HELSINKI = ZoneInfo("Europe/Helsinki")
SUNDAY = datetime(2026, 11, 22, 12, 0, tzinfo=HELSINKI)
MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=HELSINKI)
OFFICE_HOURS = {weekday: [(time(9, 0), time(17, 0))] for weekday in range(5)}


def test_the_first_mail_is_acknowledged_and_the_next_one_is_not(post: Post) -> None:
    first = post.receive(post.mail())
    assert (first.state, first.rule, first.reason) == ("new", "new", "")
    [automatic] = post.automatic()
    item = OutboxItem.unscoped.get()
    assert (item.message_id, item.recipient, item.state) == (automatic.id, "ada@example.fi", "queued")
    assert item.stable_id == marks.message_id(automatic.id, "teepuoti.example")
    second = post.receive(post.mail("Ja vielä yksi asia.", In_Reply_To=item.stable_id))
    assert (second.state, second.conversation_id) == ("threaded", first.conversation_id)
    assert len(post.automatic()) == 1


def test_a11_it_repeats_nothing_the_sender_wrote(post: Post) -> None:
    post.receive(
        post.mail("Osta halpoja lääkkeitä http://evil.example", subject="Voitit auton", sender=_named("Iloinen"))
    )
    [automatic] = post.automatic()
    said = automatic.body + automatic.meta["subject"]
    assert not any(word in said for word in ("lääkkeitä", "evil", "Voitit", "Iloinen"))


@pytest.mark.usefixtures("catalogues")
@pytest.mark.parametrize(
    ("text", "subject", "first_line"),
    [
        ("Hei! Onko teillä vihreää teetä ja milloin se lähtee?", "Olemme saaneet viestisi", "Hei"),
        ("Hej! Har ni grönt te och när skickas det till mig?", "Vi har tagit emot ditt meddelande", "Hej"),
        ("Hello! Do you have any green tea and when will it be sent?", "We have received your message", "Hello"),
    ],
)
def test_it_speaks_the_senders_language(post: Post, text: str, subject: str, first_line: str) -> None:
    raw = post.receive(post.mail(text))
    [automatic] = post.automatic()
    assert automatic.meta["subject"] == f"{subject} (T-{raw.conversation_id})"
    assert automatic.body.startswith(first_line)
    assert "Teepuoti" in automatic.body


@pytest.mark.usefixtures("catalogues")
def test_it_says_when_the_shop_opens_again(post: Post, travel: Travel) -> None:
    accounts.set_hours(post.world.shop, OFFICE_HOURS, by=SYSTEM)
    with travel(SUNDAY):
        post.receive(post.mail("Hello! Do you have any green tea and when will it be sent?"))
        post.receive(post.mail("Hei! Onko teillä vihreää teetä ja milloin se lähtee?"))
    with travel(MONDAY):
        post.receive(post.mail("Hello! Do you have white tea and when will it be sent?"))
    english, finnish, now = [each.body for each in post.automatic()]
    assert "closed at the moment and open again on Monday 23.11. at 09:00." in english
    assert "Seuraavaksi auki: maanantai 23.11. klo\u00a009.00." in finnish
    assert "We are here now" in now


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated"},
        {"Precedence": "bulk"},
        {"List_Id": "<tea.example.net>"},
        {"X_Auto_Response_Suppress": "All"},
        {"Return_Path": "<>"},
        {"sender": "no-reply@example.net"},
        {"sender": "ei-vastata@example.net"},
        {"subject": "Poissaoloviesti", "Auto_Submitted": "auto-replied"},
        {"Authentication_Results": "mx.teepuoti.example; dmarc=fail header.from=example.fi"},
    ],
    ids=str,
)
def test_a12_machines_and_forgeries_get_none(post: Post, headers: dict[str, str]) -> None:
    raw = post.receive(post.mail(**headers))
    assert raw.conversation_id is not None
    assert post.automatic() == []


def test_a_mail_from_the_shops_own_address_or_one_of_its_own_mails_come_back_is_left_alone(post: Post) -> None:
    own = post.receive(post.mail(sender="asiakaspalvelu@teepuoti.example"))
    assert (own.state, own.rule, own.conversation_id) == ("ignored", "own", None)
    first = post.receive(post.mail())
    back = post.receive(post.mail(sender="forwarder@example.net", message_id=post.answer(first).stable_id))
    assert (back.state, back.rule, back.conversation_id) == ("ignored", "own", None)
    assert len(post.automatic()) == 1


def test_a12_two_shops_on_one_instance_acknowledge_each_other_once(post: Post, other_post: Post) -> None:
    post.receive(post.mail(sender=other_post.address))
    [automatic] = post.automatic()
    headers = {"Auto_Submitted": "auto-replied", "message_id": OutboxItem.unscoped.get().stable_id}
    raw = other_post.receive(other_post.mail(automatic.body, sender=post.address, **headers))
    assert raw.state == "automatic"
    assert len(post.automatic()) == 1


@pytest.mark.parametrize(
    ("envelope", "reason"),
    [({"history": True}, ""), ({"recovered": True}, ""), ({"arrived_at": -3.0}, ""), ({"arrived_at": -1.0}, "sent")],
    ids=["history", "recovered", "three hours old", "one hour old"],
)
def test_what_was_written_long_ago_is_not_acknowledged(post: Post, envelope: dict[str, object], reason: str) -> None:
    age = envelope.get("arrived_at")
    if isinstance(age, float):
        envelope = {"arrived_at": (clock.now() + timedelta(hours=age)).isoformat()}
    raw = post.receive(post.mail(), **envelope)
    assert raw.state == "new"
    assert len(post.automatic()) == (1 if reason else 0)


def test_an_address_that_bounced_lately_is_left_alone(post: Post) -> None:
    first = post.receive(post.mail())
    item = post.answer(first)
    type(item).unscoped.filter(id=item.id).update(accepted_at=clock.now())
    with post.world.scope():
        conversations.record_bounced(item, reason="550 5.1.1", by=SYSTEM)
    second = post.receive(post.mail("Uusi asia"))
    assert (second.state, second.reason) == ("new", "not_acknowledged_bounced")
    assert len(post.automatic()) == 1


def test_a11_one_address_gets_three_in_a_day_and_ten_in_a_month(post: Post, travel: Travel) -> None:
    for day in range(5):
        with travel(SUNDAY + timedelta(days=day * 1.2)):
            reasons = [post.receive(post.mail(f"Asia {day} {number}")).reason for number in range(4)]
        allowed = 3 if day < 3 else (1 if day == 3 else 0)
        assert reasons == [""] * allowed + ["not_acknowledged_budget"] * (4 - allowed), day
    assert len(post.automatic()) == 10


def test_one_mailbox_sends_only_so_many(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acknowledging, "PER_MAILBOX", ((3, 600.0),))
    reasons = [post.receive(post.mail(sender=f"ada{number}@example.fi")).reason for number in range(5)]
    assert reasons == ["", "", "", "not_acknowledged_budget", "not_acknowledged_budget"]


def test_a_mailbox_can_be_told_to_stay_silent(post: Post) -> None:
    post.set(acknowledges=False)
    assert post.receive(post.mail()).reason == "not_acknowledged_off"
    assert post.automatic() == []


def _named(name: str) -> str:
    return f"{name} <ada@example.fi>"
