"""The settings of mailboxes, their health in words, and what owners are told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.test import Client

from tiski.accounts.models import Agent
from tiski.channels.email import actions as mail
from tiski.channels.email import health, queries
from tiski.channels.email.errors import AlreadyConnected, MailboxFault, NoSuchFolder, ServerUnreachable, WrongPassword
from tiski.channels.email.mailbox import Passwords, mailbox_of
from tiski.channels.email.models import MailboxCursor
from tiski.conversations import actions as conversations
from tiski.conversations.contract import channel_for
from tiski.conversations.models import ChannelAccount, OutboxItem
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM
from tiski.kernel.errors import SendFailed
from tiski.kernel.events import delivering
from tiski.kernel.models import Fact
from tiski.testing.letterbox import outgoing
from tiski.testing.ports import free_port

if TYPE_CHECKING:
    from tiski.testing.letterbox import Post

PLACE = "/teepuoti/settings/mailbox/"
FIELDS = {
    "address": "info@teepuoti.example",
    "imap_host": "imap.example.net",
    "imap_port": "993",
    "imap_security": "tls",
    "imap_user": "info@teepuoti.example",
    "imap_password": "salaisuus-1",
    "folder": "INBOX",
    "backfill": "now",
    "smtp_host": "smtp.example.net",
    "smtp_port": "465",
    "smtp_security": "tls",
    "acknowledges": "on",
}


@pytest.fixture
def noor(post: Post) -> Client:
    """Noor's browser; she reads English."""
    Agent.objects.update(language="en")
    return _browser(post.world.noor)


def connected(noor: Client, **changes: str) -> ChannelAccount:
    """A mailbox that Noor has connected by the form."""
    response = noor.post(f"{PLACE}new/", FIELDS | changes)
    assert response.status_code == 302
    return ChannelAccount.unscoped.get(name=changes.get("address", FIELDS["address"]))


def saved(noor: Client, account: ChannelAccount, **changes: str) -> int:
    """Save the form again with other fields and, unless given, no password; the status of the answer."""
    fields = FIELDS | {"imap_password": ""} | changes
    return int(noor.post(f"{PLACE}{account.id}/", fields).status_code)


def passwords(account: ChannelAccount) -> Passwords:
    """What is kept now."""
    return mailbox_of(ChannelAccount.unscoped.get(id=account.id)).passwords


def test_what_is_missing_is_said_at_once_and_by_name(noor: Client) -> None:
    page = noor.post(f"{PLACE}new/", {"address": "x", "imap_port": "70000"}).content.decode()
    summary = page[page.index("error-summary") : page.index("</ul>", page.index("error-summary"))]
    for label in ("Email address", "Server for reading (IMAP)", "Server for sending (SMTP)", "User name", "Password"):
        assert f">{label}</a>" in summary


def test_one_password_serves_both_servers_and_is_never_shown(noor: Client) -> None:
    account = connected(noor)
    assert passwords(account) == Passwords(imap="salaisuus-1", smtp="salaisuus-1")
    assert saved(noor, account, imap_password="salaisuus-2") == 302
    assert passwords(account) == Passwords(imap="salaisuus-2", smtp="salaisuus-2")
    assert saved(noor, account, smtp_password="salaisuus-3") == 302
    assert saved(noor, account, imap_password="salaisuus-4") == 302
    assert passwords(account) == Passwords(imap="salaisuus-4", smtp="salaisuus-3")
    for page in (f"{PLACE}{account.id}/", PLACE, f"{PLACE}{account.id}/health/"):
        assert "salaisuus" not in noor.get(page).content.decode()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 302),
        ({"sender_name": "Väki"}, 302),
        ({"imap_host": "evil.example"}, 422),
        ({"imap_security": "none"}, 422),
        ({"smtp_host": "evil.example"}, 422),
        ({"smtp_port": "2525"}, 422),
        ({"imap_host": "new.example", "smtp_host": "new.example", "imap_password": "uusi"}, 302),
    ],
    ids=str,
)
def test_a_password_is_not_told_to_another_server_than_it_was_typed_for(
    noor: Client, changes: dict[str, str], status: int
) -> None:
    assert saved(noor, connected(noor), **changes) == status


def test_a_separate_password_for_sending_is_asked_for_again_with_another_server(noor: Client) -> None:
    account = connected(noor, smtp_password="toinen")
    assert saved(noor, account, smtp_host="evil.example", imap_password="salaisuus-1") == 422
    assert passwords(account).smtp == "toinen"


@pytest.mark.parametrize("field", ["imap_user", "imap_password", "folder", "sender_name", "smtp_user"])
def test_a13_a_line_break_gets_nowhere(noor: Client, field: str) -> None:
    response = noor.post(f"{PLACE}new/", FIELDS | {field: "a\r\nA1 LOGOUT"})
    assert response.status_code == 422
    assert not ChannelAccount.unscoped.filter(name=FIELDS["address"]).exists()


def test_a_mailbox_is_connected_once(noor: Client, post: Post) -> None:
    account = connected(noor)
    page = noor.post(f"{PLACE}new/", FIELDS | {"address": "INFO@teepuoti.example"})
    assert page.status_code == 422
    assert "This address is connected already." in page.content.decode()
    with post.world.scope(), pytest.raises(AlreadyConnected):
        mail.add_mailbox(mailbox_of(account).settings, Passwords(), by=SYSTEM)
    assert connected(noor, address="toinen@teepuoti.example").id != account.id


def test_a_known_provider_fills_the_servers_in(noor: Client) -> None:
    page = noor.get(f"{PLACE}new/?provider=gmail").content.decode()
    assert 'value="imap.gmail.com"' in page
    assert 'value="mx.google.com"' in page
    assert "gmail.com" not in noor.get(f"{PLACE}new/?provider=%3Cscript%3E").content.decode()


def test_the_servers_that_check_senders_are_kept(noor: Client) -> None:
    account = connected(noor, authserv_ids="MX.example.net, mx2.example.net")
    assert mailbox_of(account).settings.authserv_ids == ("mx.example.net", "mx2.example.net")
    assert saved(noor, account, authserv_ids="mx.example.net") == 302
    assert 'value="mx.example.net"' in noor.get(f"{PLACE}{account.id}/").content.decode()


def test_another_folder_or_another_account_begins_anew_and_other_changes_do_not(noor: Client, post: Post) -> None:
    account = connected(noor)
    with post.world.scope():
        cursor = mail.hold(account, "reader")
        assert cursor is not None
        mail.begin(cursor, uidvalidity=7, last_uid=42, history_uid=40)
    saved(noor, account, sender_name="Väki", imap_password="uusi")
    assert MailboxCursor.unscoped.get().last_uid == 42
    saved(noor, account, folder="Tuki")
    fresh = MailboxCursor.unscoped.get()
    assert (fresh.uidvalidity, fresh.last_uid, fresh.owner) == (None, 0, "")


def test_what_was_set_aside_is_listed_in_words(noor: Client, post: Post) -> None:
    post.receive(b"From: a@x.example,b@x.example\r\nSubject: two\r\n\r\nhi\r\n")
    post.receive(post.mail(""), partial="too_large")
    page = noor.get(PLACE).content.decode()
    assert "It names several senders at once." in page
    assert "larger than 50 MB" in page
    assert page.count("/replay/") == 1
    assert "2 messages could not be read" in noor.get(f"{PLACE}{post.account.id}/").content.decode()


def test_only_who_runs_the_shop_gets_here(noor: Client, post: Post, other_post: Post) -> None:
    assert _browser(post.world.mia).get(PLACE).status_code in {403, 404}
    assert _browser(other_post.world.noor).get(PLACE).status_code == 404
    assert noor.get(f"{PLACE}{other_post.account.id}/").status_code == 404
    assert noor.post(f"{PLACE}{other_post.account.id}/switch/").status_code == 404


def test_health_is_news_only_when_something_but_the_time_has_changed(post: Post) -> None:
    def reported(fault: MailboxFault | None) -> int:
        before = Fact.objects.filter(name="conversations.channel_changed").count()
        with post.world.scope():
            mail.report(post.account, "imap", fault)
        return Fact.objects.filter(name="conversations.channel_changed").count() - before

    start = clock.now()
    with time_machine.travel(start, tick=False) as time:
        assert reported(None) == 1
        time.shift(timedelta(minutes=5))
        assert reported(None) == 0
        assert post.account.health["at"]["imap"] == clock.now().isoformat(timespec="seconds")
        assert reported(WrongPassword()) == 1
        since = post.account.health["imap"]["since"]
        time.shift(timedelta(minutes=5))
        assert reported(WrongPassword()) == 0
        assert post.account.health["imap"] == {"code": "mail.wrong_password", "since": since}
        side = health.sides(post.account, clock.now())[0]
        assert (side.tone, side.worked_at) == ("danger", (start + timedelta(minutes=5)).replace(microsecond=0))
        assert reported(None) == 1


@pytest.mark.parametrize(
    ("fault", "minutes", "is_red"),
    [
        (WrongPassword(), 0, True),
        (NoSuchFolder(), 0, True),
        (ServerUnreachable(), 9, False),
        (ServerUnreachable(), 11, True),
        (None, 9, False),
        (None, 11, True),
    ],
    ids=["password", "folder", "away for 9 minutes", "away for 11 minutes", "unread for 9", "unread for 11"],
)
def test_owners_hear_of_mailboxes_that_need_them(
    post: Post, fault: MailboxFault | None, minutes: int, is_red: bool, django_assert_num_queries: Any
) -> None:
    start = clock.now()
    with post.world.scope(), time_machine.travel(start, tick=False) as time:
        cursor = mail.hold(post.account, "reader")
        assert cursor is not None
        mail.looked_through(cursor)
        mail.report(post.account, "imap", fault)
        time.shift(timedelta(minutes=minutes))
        with django_assert_num_queries(2):
            troubled = queries.troubled_mailboxes()
    assert [each.account_id for each in troubled] == ([post.account.id] if is_red else [])
    if fault is not None and is_red:
        assert (troubled[0].side, troubled[0].words) == ("Reading", str(fault))


def test_nobody_is_troubled_by_a_mailbox_that_is_off_or_belongs_to_the_demo(post: Post) -> None:
    with post.world.scope():
        mail.report(post.account, "imap", WrongPassword())
        assert len(queries.troubled_mailboxes()) == 1
        ChannelAccount.objects.filter(kind="email").update(disabled_at=clock.now())
        assert queries.troubled_mailboxes() == []
        ChannelAccount.objects.filter(kind="email").update(disabled_at=None)
        post.set(demo=True)
        assert queries.troubled_mailboxes() == []


@pytest.mark.usefixtures("loopback")
def test_sending_that_fails_for_the_servers_sake_is_told_and_tried_again(post: Post) -> None:
    item = post.answer(post.receive(post.mail()))
    dead = post.mailbox.settings.smtp
    assert dead is not None
    post.set(smtp=type(dead)("127.0.0.1", free_port(), dead.security, dead.user))
    with post.world.scope(), pytest.raises(SendFailed) as failure:
        channel_for("email").deliver(outgoing(item))
    assert (failure.value.permanent, failure.value.reason) == (False, str(ServerUnreachable()))
    assert post.account.health["smtp"]["code"] == "mail.unreachable"


def test_an_answer_that_was_taken_shows_that_sending_works(post: Post) -> None:
    with post.world.scope():
        mail.report(post.account, "smtp", ServerUnreachable())
    post.set(demo=True)
    item = post.answer(post.receive(post.mail()))
    post.set(demo=False)
    OutboxItem.unscoped.filter(id=item.id).update(state="claimed", fence=1)
    with post.world.scope():
        conversations.record_accepted(outgoing(item), provider_id="250 ok", by=SYSTEM)
    delivering.run_due("worker")
    assert post.account.health["smtp"]["code"] == ""


def _browser(agent: Agent) -> Client:
    client = Client()
    client.force_login(agent)
    return client
