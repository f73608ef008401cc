"""Mail through real servers: Postfix takes it, Dovecot keeps it, Tiski reads, acknowledges, answers and threads it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tiski.testing.correspondence import ADA, PASSWORD, SHOP, connect, letters, mailbox_path, submit, text_of
from tiski.testing.desk import Desk, demo_password
from tiski.testing.dovecot import Dovecot
from tiski.testing.ports import wait_until
from tiski.testing.postfix import Postfix
from tiski.testing.premises import Premises
from tiski.testing.tiski_process import TiskiProcess

pytestmark = [pytest.mark.mail, pytest.mark.both, pytest.mark.timeout(180)]

TROUBLED = "palaute@teepuoti.example"
GUESSED = "tilaukset@teepuoti.example"
QUICK = "nopea@teepuoti.example"
ONE = "info@teepuoti.example"
OTHER = "help@kahvila.example"
OWNER = "noor@teepuoti.example"
LOOPBACK = {"TISKI_ALLOW_NETWORKS": "127.0.0.0/8"}


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """Mailboxes of two shops and a customer."""
    with Dovecot(dict.fromkeys((SHOP, TROUBLED, GUESSED, QUICK, ONE, OTHER, ADA), PASSWORD)) as server:
        yield server


@pytest.fixture(scope="module")
def postfix(dovecot: Dovecot) -> Iterator[Postfix]:
    """What takes mail for them."""
    with Postfix(dovecot) as server:
        yield server


@pytest.fixture(scope="module")
def tiski(shop_of_module: Premises) -> Iterator[TiskiProcess]:
    """A running Tiski that may reach servers on this machine; each test connects a mailbox of its own."""
    with shop_of_module.product(environment=LOOPBACK) as process:
        yield process


@pytest.fixture
def desk(tiski: TiskiProcess) -> Iterator[Desk]:
    """Noor at her desk."""
    with Desk(tiski.address, email=OWNER, password=demo_password(tiski.data)) as signed_in:
        yield signed_in


def test_a_mail_becomes_a_conversation_and_the_answer_and_the_reply_stay_in_it(
    desk: Desk, dovecot: Dovecot, postfix: Postfix
) -> None:
    connect(desk, SHOP, dovecot, postfix)
    known, before = desk.conversations(), len(letters(dovecot, ADA))
    question = submit(postfix, "Hei! Onko Kuusenkerkkää vielä? Terveisin Ada")
    conversation = desk.wait_for_conversation(known)
    assert "Onko Kuusenkerkkää vielä?" in desk.thread(conversation)

    wait_until(lambda: len(letters(dovecot, ADA)) == before + 1, "the acknowledgement", seconds=30)
    acknowledgement = letters(dovecot, ADA)[-1]
    assert acknowledgement["Auto-Submitted"] == "auto-replied"
    assert acknowledgement["In-Reply-To"] == question["Message-ID"]
    assert f"T-{conversation}" in str(acknowledgement["Subject"])
    assert "Kuusenkerkkä" not in text_of(acknowledgement)

    desk.reply(conversation, "Hei Ada! Kyllä on, 42 purkkia.")
    wait_until(lambda: len(letters(dovecot, ADA)) == before + 2, "the answer", seconds=40)
    answer = letters(dovecot, ADA)[-1]
    assert answer["Auto-Submitted"] is None
    assert answer["In-Reply-To"] == question["Message-ID"]
    assert str(question["Message-ID"]) in str(answer["References"])
    assert answer["Subject"] == "Re: Kysymys teestä"
    assert "42 purkkia" in text_of(answer)

    known = desk.conversations()
    submit(
        postfix,
        f"Kiitos, tilaan kolme!\n\n{SHOP} kirjoitti 22.11.2026 kello 12.01:\n> Hei Ada! Kyllä on",
        subject="Re: Kysymys teestä",
        In_Reply_To=str(answer["Message-ID"]),
        References=f"{question['Message-ID']} {answer['Message-ID']}",
    )
    wait_until(lambda: "tilaan kolme" in desk.thread(conversation), "the reply in its thread", seconds=30)
    assert desk.conversations()[0] == conversation
    assert set(desk.conversations()) == set(known)

    submit(postfix, "Vielä yksi asia.", to=str(answer["Reply-To"]), subject="Aivan muuta")
    wait_until(lambda: "Vielä yksi asia" in desk.thread(conversation), "the reply by its address", seconds=30)


def test_a_mail_is_in_the_inbox_within_five_seconds(desk: Desk, dovecot: Dovecot, postfix: Postfix) -> None:
    connect(desk, QUICK, dovecot, postfix, acknowledges="")
    known = desk.conversations()
    submit(postfix, "Lämmittelyksi.", to=QUICK, sender="leo@asiakas.example")
    known = [*known, desk.wait_for_conversation(known)]
    submit(postfix, "Kauanko tämä kestää?", to=QUICK, sender="leo@asiakas.example")
    postfix.wait_until_delivered()
    delivered = time.monotonic()
    desk.wait_for_conversation(known)
    assert time.monotonic() - delivered < 5


def test_a01_a_guessed_message_id_and_a_stranger_do_not_get_into_a_conversation(
    desk: Desk, dovecot: Dovecot, postfix: Postfix
) -> None:
    connect(desk, GUESSED, dovecot, postfix, acknowledges="")
    known = desk.conversations()
    question = submit(postfix, "Ensimmäinen viesti.", to=GUESSED)
    conversation = desk.wait_for_conversation(known)
    forged = f"<m.1.{'a' * 26}@teepuoti.example>"
    eve = {"to": GUESSED, "sender": "eve@asiakas.example"}
    submit(postfix, "Olen vieras.", In_Reply_To=str(question["Message-ID"]), **eve)
    submit(postfix, "Arvasin tunnisteen.", In_Reply_To=forged, **eve)
    wait_until(lambda: len(set(desk.conversations()) - set(known)) == 3, "two more conversations", seconds=30)
    assert "Olen vieras" not in desk.thread(conversation)
    assert "Arvasin" not in desk.thread(conversation)


def test_a24_a_mail_that_cannot_be_read_is_set_aside_and_the_next_one_is_handled(
    desk: Desk, dovecot: Dovecot, postfix: Postfix
) -> None:
    connect(desk, TROUBLED, dovecot, postfix, acknowledges="")
    known = desk.conversations()
    dovecot.put(TROUBLED, b"From: victim@shop.example,evil@x.example\r\nSubject: two\r\n\r\nwho am I\r\n")
    dovecot.put(TROUBLED, b"Content-Type: multipart/mixed; boundary=a\r\n" + b"\x00\xff(" * 3000)
    submit(postfix, "Minä tulen perässä.", to=TROUBLED)
    conversation = desk.wait_for_conversation(known)
    assert "Minä tulen perässä" in desk.thread(conversation)
    wait_until(lambda: desk.get("settings/mailbox/").text.count("/replay/") == 2, "both set aside", seconds=30)


def test_a12_two_shops_that_answer_each_other_automatically_stop_after_one_message(
    desk: Desk, tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot, postfix: Postfix
) -> None:
    data = tmp_path_factory.mktemp("other") / "data"
    data.mkdir(mode=0o700)
    with (
        TiskiProcess(data, environment=LOOPBACK) as other,
        Desk(other.address, email=OWNER, password=demo_password(data)) as second,
    ):
        connect(desk, ONE, dovecot, postfix)
        connect(second, OTHER, dovecot, postfix)
        known = second.conversations()
        # A mail that seems to come from the other shop makes the first one answer it, and so on, if anyone goes on.
        submit(postfix, "Hello, do you sell tea?", sender=OTHER, to=ONE)
        conversation = second.wait_for_conversation(known, seconds=40)
        time.sleep(3)
        postfix.wait_until_delivered()
        assert f"{ONE}" in second.get(f"inbox/open/conversations/{conversation}/").text
        assert len(letters(dovecot, ONE)) == 1
        assert [letter["Auto-Submitted"] for letter in letters(dovecot, OTHER)] == ["auto-replied"]


def test_a_wrong_password_and_a_silent_server_are_said_in_words(desk: Desk, dovecot: Dovecot, postfix: Postfix) -> None:
    fields = {
        "address": "rikki@teepuoti.example", "imap_host": "127.0.0.1", "imap_port": str(dovecot.imap_port),
        "imap_security": "none", "imap_user": SHOP, "imap_password": "wrong", "folder": "INBOX", "backfill": "now",
        "smtp_host": "127.0.0.1", "smtp_port": "9", "smtp_security": "none",
    }  # fmt: skip
    path = mailbox_path(desk.post("settings/mailbox/new/", **fields).url.path)
    wait_until(lambda: _says(desk, path, "app password", "sovellussalasana"), "the password's fault", seconds=30)
    wait_until(lambda: _says(desk, path, "cannot be reached", "ei saada yhteyttä"), "the server's", seconds=30)
    assert f'href="/{desk.shop}/{path}"' in desk.get("inbox/open/").text  # the banner leads whoever can mend it there


def _says(desk: Desk, path: str, *words: str) -> bool:
    text = desk.get(path).text
    return any(word in text for word in words)
