"""Mail through real servers: Postfix takes it, Dovecot keeps it, Tiski reads, acknowledges, answers and threads it."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest

from tiski.testing.desk import Desk, demo_password
from tiski.testing.dovecot import Dovecot
from tiski.testing.ports import wait_until
from tiski.testing.postfix import Postfix
from tiski.testing.tiski_process import TiskiProcess

pytestmark = [pytest.mark.mail, pytest.mark.both, pytest.mark.timeout(180)]

SHOP = "asiakaspalvelu@teepuoti.example"
OTHER_SHOP = "help@kahvila.example"
TROUBLED = "palaute@teepuoti.example"
ADA = "ada@asiakas.example"
PASSWORD = "test-mailbox-password"
OWNER = "noor@teepuoti.example"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """Mailboxes of two shops and a customer."""
    with Dovecot(dict.fromkeys((SHOP, OTHER_SHOP, TROUBLED, ADA), PASSWORD)) as server:
        yield server


@pytest.fixture(scope="module")
def postfix(dovecot: Dovecot) -> Iterator[Postfix]:
    """What takes mail for them."""
    with Postfix(dovecot) as server:
        yield server


@pytest.fixture
def tiski(data_folder: Path, database_url: str) -> Iterator[TiskiProcess]:
    """A running Tiski that may reach servers on this machine."""
    environment = {"TISKI_ALLOW_NETWORKS": "127.0.0.0/8"}
    with TiskiProcess(data_folder, database_url=database_url, environment=environment) as process:
        yield process


def connect(desk: Desk, address: str, dovecot: Dovecot, postfix: Postfix, **changes: str) -> None:
    """Connect a mailbox by the form in the settings."""
    fields = {
        "address": address,
        "imap_host": "127.0.0.1",
        "imap_port": str(dovecot.imap_port),
        "imap_security": "none",
        "imap_user": address,
        "imap_password": PASSWORD,
        "folder": "INBOX",
        "backfill": "now",
        "smtp_host": "127.0.0.1",
        "smtp_port": str(postfix.port),
        "smtp_security": "none",
        "acknowledges": "on",
        "plus_addressing": "on",
    }
    response = desk.post("settings/mailbox/new/", **(fields | changes))
    assert response.status_code == 200, response.text[:3000]
    works = "works" if "Reading" in response.text else "toimii"
    wait_until(lambda: desk.get(_mailbox_path(response.url.path)).text.count(works) >= 2, "both servers", seconds=20)


def submit(postfix: Postfix, text: str, *, to: str = SHOP, sender: str = ADA, **headers: str) -> EmailMessage:
    """Hand a mail to Postfix as a customer's mail program does."""
    mail = EmailMessage()
    mail["From"], mail["To"] = f"Ada Virtanen <{sender}>", to
    mail["Subject"] = headers.pop("subject", "Kysymys teestä")
    mail["Message-ID"] = headers.pop("message_id", f"<{time.time_ns()}@asiakas.example>")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    with smtplib.SMTP("127.0.0.1", postfix.port) as server:
        server.send_message(mail)
    return mail


def letters(dovecot: Dovecot, address: str) -> list[EmailMessage]:
    """What lies in a mailbox, oldest first."""
    with dovecot.mailbox(address) as box:
        return [BytesParser(policy=default).parsebytes(each.obj.as_bytes()) for each in box.fetch(mark_seen=False)]


def test_a_mail_becomes_a_conversation_and_the_answer_and_the_reply_stay_in_it(
    tiski: TiskiProcess, dovecot: Dovecot, postfix: Postfix
) -> None:
    with Desk(tiski.address, email=OWNER, password=demo_password(tiski.data)) as desk:
        connect(desk, SHOP, dovecot, postfix)
        known, before = desk.conversations(), len(letters(dovecot, ADA))
        question = submit(postfix, "Hei! Onko Kuusenkerkkää vielä? Terveisin Ada")
        postfix.wait_until_delivered()
        delivered = time.monotonic()
        conversation = desk.wait_for_conversation(known)
        assert time.monotonic() - delivered < 5
        assert "Onko Kuusenkerkkää vielä?" in desk.thread(conversation)

        wait_until(lambda: len(letters(dovecot, ADA)) == before + 1, "the acknowledgement", seconds=20)
        acknowledgement = letters(dovecot, ADA)[-1]
        assert acknowledgement["Auto-Submitted"] == "auto-replied"
        assert acknowledgement["In-Reply-To"] == question["Message-ID"]
        assert f"T-{conversation}" in str(acknowledgement["Subject"])
        assert "Kuusenkerkkä" not in acknowledgement.get_body(("plain",)).get_content()

        desk.reply(conversation, "Hei Ada! Kyllä on, 42 purkkia.")
        wait_until(lambda: len(letters(dovecot, ADA)) == before + 2, "the answer", seconds=40)
        answer = letters(dovecot, ADA)[-1]
        assert answer["Auto-Submitted"] is None
        assert answer["In-Reply-To"] == question["Message-ID"]
        assert str(question["Message-ID"]) in str(answer["References"])
        assert answer["Subject"] == "Re: Kysymys teestä"
        assert "42 purkkia" in answer.get_body(("plain",)).get_content()

        known = desk.conversations()
        submit(
            postfix,
            f"Kiitos, tilaan kolme!\n\n{SHOP} kirjoitti 22.11.2026 kello 12.01:\n> Hei Ada! Kyllä on",
            subject="Re: Kysymys teestä",
            In_Reply_To=str(answer["Message-ID"]),
            References=f"{question['Message-ID']} {answer['Message-ID']}",
        )
        wait_until(lambda: "tilaan kolme" in desk.thread(conversation), "the reply in its thread", seconds=20)
        assert desk.conversations()[0] == conversation
        assert set(desk.conversations()) == set(known)

        submit(postfix, "Vielä yksi asia.", to=str(answer["Reply-To"]), subject="Aivan muuta")
        wait_until(lambda: "Vielä yksi asia" in desk.thread(conversation), "the reply by its address", seconds=20)


def test_a_mail_that_cannot_be_read_is_set_aside_and_the_next_one_is_handled(
    tiski: TiskiProcess, dovecot: Dovecot, postfix: Postfix
) -> None:
    with Desk(tiski.address, email=OWNER, password=demo_password(tiski.data)) as desk:
        connect(desk, TROUBLED, dovecot, postfix, acknowledges="")
        known = desk.conversations()
        dovecot.put(TROUBLED, b"From: victim@shop.example,evil@x.example\r\nSubject: two\r\n\r\nwho am I\r\n")
        dovecot.put(TROUBLED, b"Content-Type: multipart/mixed; boundary=a\r\n" + b"\x00\xff(" * 3000)
        submit(postfix, "Minä tulen perässä.", to=TROUBLED)
        conversation = desk.wait_for_conversation(known)
        assert "Minä tulen perässä" in desk.thread(conversation)
        wait_until(lambda: desk.get("settings/mailbox/").text.count("/replay/") == 2, "both set aside", seconds=20)


def test_a_guessed_message_id_and_a_stranger_do_not_get_into_a_conversation(
    tiski: TiskiProcess, dovecot: Dovecot, postfix: Postfix
) -> None:
    with Desk(tiski.address, email=OWNER, password=demo_password(tiski.data)) as desk:
        connect(desk, SHOP, dovecot, postfix, acknowledges="")
        known = desk.conversations()
        question = submit(postfix, "Ensimmäinen viesti.")
        conversation = desk.wait_for_conversation(known)
        forged = f"<m.1.{'a' * 26}@teepuoti.example>"
        submit(postfix, "Olen vieras.", sender="eve@asiakas.example", In_Reply_To=str(question["Message-ID"]))
        submit(postfix, "Arvasin tunnisteen.", sender="eve@asiakas.example", In_Reply_To=forged)
        wait_until(lambda: len(set(desk.conversations()) - set(known)) == 3, "two more conversations", seconds=20)
        assert "Olen vieras" not in desk.thread(conversation)
        assert "Arvasin" not in desk.thread(conversation)


def test_two_shops_that_answer_each_other_automatically_stop_after_one_message_each(
    tmp_path: Path, database_url: str, dovecot: Dovecot, postfix: Postfix
) -> None:
    environment = {"TISKI_ALLOW_NETWORKS": "127.0.0.0/8"}
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with (
        TiskiProcess(folders[0], database_url=database_url, environment=environment) as one,
        TiskiProcess(folders[1], environment=environment) as two,
        Desk(one.address, email=OWNER, password=demo_password(folders[0])) as first,
        Desk(two.address, email=OWNER, password=demo_password(folders[1])) as second,
    ):
        connect(first, SHOP, dovecot, postfix)
        connect(second, OTHER_SHOP, dovecot, postfix)
        seen = len(letters(dovecot, SHOP)), len(letters(dovecot, OTHER_SHOP))
        # A mail that seems to come from the other shop makes the first one answer it, and so on, if anyone goes on.
        submit(postfix, "Hello, do you sell tea?", sender=OTHER_SHOP, to=SHOP)
        wait_until(lambda: len(letters(dovecot, OTHER_SHOP)) > seen[1], "the first automatic answer", seconds=20)
        time.sleep(6)
        assert len(letters(dovecot, SHOP)) - seen[0] <= 2
        assert len(letters(dovecot, OTHER_SHOP)) - seen[1] == 1


def test_a_wrong_password_and_a_silent_server_are_said_in_words(
    tiski: TiskiProcess, dovecot: Dovecot, postfix: Postfix
) -> None:
    with Desk(tiski.address, email=OWNER, password=demo_password(tiski.data)) as desk:
        fields = {
            "address": SHOP, "imap_host": "127.0.0.1", "imap_port": str(dovecot.imap_port), "imap_security": "none",
            "imap_user": SHOP, "imap_password": "wrong", "folder": "INBOX", "backfill": "now",
            "smtp_host": "127.0.0.1", "smtp_port": "9", "smtp_security": "none",
        }  # fmt: skip
        path = _mailbox_path(desk.post("settings/mailbox/new/", **fields).url.path)
        wait_until(lambda: _says(desk, path, "app password", "sovellussalasana"), "the password's fault", seconds=20)
        wait_until(lambda: _says(desk, path, "cannot be reached", "ei saada yhteyttä"), "the server's", seconds=20)


def _says(desk: Desk, path: str, *words: str) -> bool:
    text = desk.get(path).text
    return any(word in text for word in words)


def _mailbox_path(path: str) -> str:
    return path.split("/", 2)[2]
