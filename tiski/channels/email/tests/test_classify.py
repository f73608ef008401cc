"""Who wrote the mail: a person, or something that must not be answered."""

import pytest

from tiski.channels.email.parsing.model import Kind, Parsed, Request
from tiski.channels.email.parsing.reading import parse

TWO_RECIPIENTS = """Final-Recipient: rfc822;a@b.example
Action: failed
Status: 4.0.0

Final-Recipient: rfc822;c@d.example
Action: failed
Status: 5.1.2"""


def read(fields: str, *, sender: str = "ada@example.org", subject: str = "Tilaus") -> Parsed:
    raw = f"From: {sender}\nSubject: {subject}\n{fields}\nHei\n".encode()
    return parse(Request(raw=raw, own_addresses=("Tuki@Teepuoti.example",)))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("Auto-Submitted: auto-replied\n", "auto_submitted"),
        ("Auto-Submitted: Auto-Generated; owner=x\n", "auto_submitted"),
        ("X-Autoreply: yes\n", "x_autoreply"),
        ("X-Autorespond: x\n", "x_autorespond"),
        ("Precedence: bulk\n", "precedence_bulk"),
        ("Precedence: junk\n", "precedence_junk"),
        ("Precedence: Auto_Reply\n", "precedence_auto_reply"),
        ("Return-Path: <>\n", "null_return_path"),
        ("Content-Type: multipart/report; report-type=disposition-notification\n", "report"),
    ],
)
def test_a_header_that_says_automatic_is_believed(fields: str, reason: str) -> None:
    mail = read(fields)

    assert mail.kind is Kind.AUTOMATIC
    assert mail.reasons == (reason,)
    assert mail.suppress_ack


@pytest.mark.parametrize(
    "sender",
    [
        "no-reply@x.example",
        "noreply@x.example",
        "NoReply+17@x.example",
        "shop-noreply@x.example",
        "donotreply@x.example",
        "ei-vastata@x.example",
        "eivastaa@x.example",
        "alavastaa@x.example",
        "svara-inte@x.example",
        "ingensvar@x.example",
        "bounces+17@x.example",
    ],
)
def test_an_address_that_takes_no_answers_is_automatic(sender: str) -> None:
    assert (read("", sender=sender).kind, read("", sender=sender).reasons) == (
        Kind.AUTOMATIC,
        ("address_not_answered",),
    )


@pytest.mark.parametrize("sender", ["noora@x.example", "bouncer@x.example", "replies@x.example", "svarare@x.example"])
def test_similar_names_belong_to_people(sender: str) -> None:
    assert read("", sender=sender).kind is Kind.HUMAN


@pytest.mark.parametrize(
    "fields", ["", "Auto-Submitted: no\n", "Precedence: first-class\n", "X-Loop: x\n", "X-Tiski-Ticket: 1\n"]
)
def test_without_a_sign_a_person_wrote(fields: str) -> None:
    mail = read(fields)

    assert (mail.kind, mail.reasons, mail.suppress_ack) == (Kind.HUMAN, (), False)


def test_auto_submitted_no_lowers_no_suspicion() -> None:
    assert read("Auto-Submitted: no\nPrecedence: bulk\n").kind is Kind.AUTOMATIC


@pytest.mark.parametrize("field", ["List-Id: <x.example>", "List-Unsubscribe: <https://x.example>", "Feedback-ID: 1:x"])
def test_a_list_is_a_list(field: str) -> None:
    assert read(f"{field}\n").kind is Kind.LIST
    assert read(f"{field}\nPrecedence: list\n").kind is Kind.LIST
    assert read(f"{field}\nAuto-Submitted: auto-generated\n").kind is Kind.AUTOMATIC


@pytest.mark.parametrize(
    "subject",
    [
        "Automaattinen vastaus: Tilaus",
        "Poissaoloviesti: x",
        "Autosvar: x",
        "Automatiskt svar: x",
        "Frånvaro",
        "Automatic reply: x",
        "Out of office",
        "Re: Out of the office",
    ],
)
def test_an_away_subject_needs_a_second_sign(subject: str) -> None:
    assert read("Auto-Submitted: auto-replied\n", subject=subject).kind is Kind.OUT_OF_OFFICE
    assert read("Return-Path: <>\n", subject=subject).kind is Kind.OUT_OF_OFFICE

    alone = read("", subject=subject)
    assert (alone.kind, alone.reasons, alone.suppress_ack) == (Kind.HUMAN, ("subject_out_of_office",), False)


def test_our_own_mail_is_known_by_its_address() -> None:
    mail = read("Auto-Submitted: auto-replied\n", sender="Teepuoti <tuki@TEEPUOTI.example>")

    assert (mail.kind, mail.reasons[0]) == (Kind.OWN, "own_address")


def test_a_person_who_passes_a_bounce_on_is_a_person() -> None:
    mail = read(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSain tämän.\n--b\nContent-Type: message/rfc822\n\n"
        "From: MAILER-DAEMON@x.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=c\n\n"
        "--c\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n"
        "Status: 5.1.1\n--c--\n--b--"
    )

    assert mail.kind is Kind.HUMAN
    assert mail.bounce is None


@pytest.mark.parametrize(
    ("block", "status", "hard", "recipient", "action"),
    [
        ("Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1", "5.1.1", True, "a@b.example", "failed"),
        (
            "Final-Recipient: rfc822; a@b.example\nAction: failed (gone)\nStatus: 5.0.0",
            "5.0.0",
            True,
            "a@b.example",
            "failed",
        ),
        (
            "Final-Recipient: RFC822;<a@b.example>\nAction: Failed\nStatus: 4.4.7",
            "4.4.7",
            False,
            "a@b.example",
            "failed",
        ),
        ("Final-Recipient: a@b.example\nAction: delayed\nStatus: 4.2.2", "4.2.2", False, "a@b.example", "delayed"),
        (
            "Final-Recipient: rfc822;a@b.example\nAction: failed\nDiagnostic-Code: smtp; 550 no",
            "",
            True,
            "a@b.example",
            "failed",
        ),
        (
            "Final-Recipient: rfc822;a@b.example\nAction: failed\nDiagnostic-Code: smtp; 451 x",
            "",
            False,
            "a@b.example",
            "failed",
        ),
        (
            TWO_RECIPIENTS,
            "5.1.2",
            True,
            "c@d.example",
            "failed",
        ),
    ],
)
def test_a_status_report_is_read_by_its_fields(
    block: str, status: str, hard: bool, recipient: str, action: str
) -> None:
    mail = read(
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry\n--b\n"
        f"Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n{block}\n\n--b--",
        sender="MAILER-DAEMON@x.example",
    )

    assert mail.kind is Kind.BOUNCE
    assert mail.bounce is not None
    assert (mail.bounce.status, mail.bounce.hard, mail.bounce.recipient, mail.bounce.action) == (
        status,
        hard,
        recipient,
        action,
    )


def test_a_bounce_is_read_even_when_its_sender_has_no_address() -> None:
    mail = read(
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n"
        "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n"
        "Status: 5.1.1\n--b--",
        sender="MAILER-DAEMON (Mail System)",
    )

    assert mail.quarantine == "from_malformed"
    assert mail.kind is Kind.BOUNCE
