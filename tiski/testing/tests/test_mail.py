"""A mail really travels from Postfix to Dovecot and is read by IMAP."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from imap_tools import MailboxLoginError, MailMessage

from tiski.testing.dovecot import Dovecot
from tiski.testing.ports import wait_until
from tiski.testing.postfix import Postfix

pytestmark = pytest.mark.mail

SHOP = "asiakaspalvelu@teepuoti.test"
ADA = "ada.virtanen@posti.test"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot({SHOP: "teepannu", ADA: "kissa"}) as server:
        yield server


@pytest.fixture(scope="module")
def postfix(dovecot: Dovecot) -> Iterator[Postfix]:
    with Postfix(dovecot) as server:
        yield server


def _question(subject: str, to: str = SHOP) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"Ada Virtanen <{ADA}>"
    message["To"] = to
    message["Subject"] = subject
    message.set_content("Hei! Onko Senchaa vielä jäljellä?\n")
    return message


def _inbox(dovecot: Dovecot, address: str) -> list[MailMessage]:
    with dovecot.mailbox(address) as box:
        return list(box.fetch())


def test_a_mail_travels_from_postfix_to_a_dovecot_mailbox(dovecot: Dovecot, postfix: Postfix) -> None:
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=10) as client:
        client.send_message(_question("Sencha"))
    wait_until(lambda: any(mail.subject == "Sencha" for mail in _inbox(dovecot, SHOP)), "the mail in the shop's inbox")
    mail = next(mail for mail in _inbox(dovecot, SHOP) if mail.subject == "Sencha")
    assert mail.from_ == ADA
    assert mail.text == "Hei! Onko Senchaa vielä jäljellä?\r\n"
    postfix.wait_until_delivered()


def test_a_plus_address_arrives_in_the_plain_address(dovecot: Dovecot, postfix: Postfix) -> None:
    to = "asiakaspalvelu+k7x2@teepuoti.test"
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=10) as client:
        client.send_message(_question("Plus", to))
    wait_until(lambda: any(mail.subject == "Plus" for mail in _inbox(dovecot, SHOP)), "the mail in the shop's inbox")
    mail = next(mail for mail in _inbox(dovecot, SHOP) if mail.subject == "Plus")
    assert mail.to == (to,)
    assert mail.headers["delivered-to"] == (to,)


def test_submission_by_tls_and_password_is_checked_by_dovecot(dovecot: Dovecot, postfix: Postfix) -> None:
    context = ssl.create_default_context(cafile=str(dovecot.certificates.authority))
    with smtplib.SMTP("localhost", postfix.port, timeout=10) as client:
        client.starttls(context=context)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(SHOP, "väärä".encode().hex())
        client.login(SHOP, "teepannu")
        client.send_message(_question("Vastaus", ADA))
    wait_until(lambda: any(mail.subject == "Vastaus" for mail in _inbox(dovecot, ADA)), "the answer in Ada's inbox")


def test_an_unknown_address_is_refused_at_once(postfix: Postfix) -> None:
    with (
        smtplib.SMTP("127.0.0.1", postfix.port, timeout=10) as client,
        pytest.raises(smtplib.SMTPRecipientsRefused) as refused,
    ):
        client.send_message(_question("Kenelle?", "ei.ketaan@teepuoti.test"))
    assert refused.value.recipients["ei.ketaan@teepuoti.test"][0] == 550


def test_an_accepted_unknown_address_bounces_to_the_sender(dovecot: Dovecot) -> None:
    with Postfix(dovecot, accepts_unknown=True) as careless:
        with smtplib.SMTP("127.0.0.1", careless.port, timeout=10) as client:
            client.send_message(_question("Kenelle?", "ei.ketaan@teepuoti.test"))
        wait_until(
            lambda: any("Undelivered" in mail.subject for mail in _inbox(dovecot, ADA)), "the bounce in Ada's inbox"
        )
    bounce = next(mail for mail in _inbox(dovecot, ADA) if "Undelivered" in mail.subject)
    assert bounce.obj.get_content_type() == "multipart/report"


def test_imap_asks_for_the_right_password_and_speaks_verified_tls(dovecot: Dovecot) -> None:
    dovecot.put(SHOP, _question("Suoraan").as_bytes())
    with dovecot.mailbox(SHOP, tls=True) as box:
        assert "Suoraan" in [mail.subject for mail in box.fetch()]
    dovecot.users[ADA] = "vanha"
    with pytest.raises(MailboxLoginError):
        dovecot.mailbox(ADA)
    dovecot.add_user(ADA, "kissa")


def test_mail_waits_in_the_queue_while_dovecot_is_away(dovecot: Dovecot, postfix: Postfix) -> None:
    dovecot.halt()
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=10) as client:
        client.send_message(_question("Odottaa"))
    assert postfix.queued() == 1
    dovecot.start_again()
    wait_until(
        lambda: any(mail.subject == "Odottaa" for mail in _inbox(dovecot, SHOP)), "the mail after the pause", seconds=40
    )
