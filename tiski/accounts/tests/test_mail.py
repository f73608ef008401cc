"""The instance's letters: where they go, and what is said when they cannot."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tiski.accounts.mail import BadMailServer, MailServer, mail_server, send_system_mail
from tiski.kernel.errors import SendFailed


class Postbox:
    """Takes letters, or refuses those to `nobody@`."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name and signature
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept the recipient, or not."""
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox secret-detail"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the letter."""
        self.letters.append(envelope.original_content or b"")
        return "250 OK"


@pytest.fixture
def postbox(settings: object) -> Iterator[Postbox]:
    """A real mail server on a free port of this machine."""
    postbox = Postbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(postbox, hostname="127.0.0.1", port=port)
    server.start()
    settings.TISKI_SMTP_URL = f"smtp://127.0.0.1:{port}"  # type: ignore[attr-defined]
    yield postbox
    server.stop()


def test_without_a_mail_server_the_letter_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    send_system_mail("mia@teepuoti.example", "Uusi salasana", "Hei Mia!\n\nhttps://tiski.example/a?b=1&c=2")
    printed = capsys.readouterr().out
    assert "To: mia@teepuoti.example" in printed
    assert "Subject: Uusi salasana" in printed
    assert "https://tiski.example/a?b=1&c=2" in printed


def test_a_letter_reaches_the_mail_server_as_plain_automatic_text(postbox: Postbox) -> None:
    send_system_mail("mia@teepuoti.example", "Kutsu", "Tervetuloa & hei!")
    letter = postbox.letters[0].decode()
    assert "Content-Type: text/plain" in letter
    assert "Auto-Submitted: auto-generated" in letter
    assert "Tervetuloa & hei!" in letter


def test_a_subject_cannot_bring_headers_along(postbox: Postbox) -> None:
    send_system_mail("mia@teepuoti.example", "Hei\r\nBcc: eve@example.com", "x")
    assert b"\r\nBcc:" not in postbox.letters[0]


def test_a_refused_recipient_is_told_without_the_servers_words(postbox: Postbox) -> None:
    with pytest.raises(SendFailed) as failed:
        send_system_mail("nobody@teepuoti.example", "Kutsu", "x")
    assert failed.value.permanent
    assert "secret-detail" not in str(failed.value)


def test_a_server_that_does_not_answer_is_tried_again_later(settings: object) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.TISKI_SMTP_URL = f"smtp://127.0.0.1:{unused.getsockname()[1]}"  # type: ignore[attr-defined]
        with pytest.raises(SendFailed) as failed:
            send_system_mail("mia@teepuoti.example", "Kutsu", "x")
    assert not failed.value.permanent


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://u%40x:p%2Fw@mail.example", MailServer("mail.example", 587, "u@x", "p/w", starttls=True, tls=False)),
        ("smtps://mail.example", MailServer("mail.example", 465, "", "", starttls=False, tls=True)),
        ("smtp://mail.example:25?tls=off", MailServer("mail.example", 25, "", "", starttls=False, tls=False)),
        ("smtp://localhost:2525", MailServer("localhost", 2525, "", "", starttls=False, tls=False)),
    ],
)
def test_the_address_of_a_mail_server_is_read(url: str, server: MailServer) -> None:
    assert mail_server(url) == server


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://mail.example:port"])
def test_what_is_no_address_of_a_mail_server_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(BadMailServer) as refused:
        mail_server(url)
    assert "smtp://user:password@host:587" in str(refused.value)
