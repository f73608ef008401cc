"""Every mail of the corpus and exactly what is read from it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from tiski.channels.email.parsing.model import Bounce, Kind, Parsed, Request, Unparseable
from tiski.channels.email.parsing.reading import parse

MAILS = Path(__file__).parent / "mails"
OURS = ("tuki@teepuoti.example",)
NOON = datetime(2026, 11, 16, 10, 1, tzinfo=UTC)


class Letter(NamedTuple):
    sender: str | None
    visible: str
    signature: str = ""
    kind: Kind = Kind.HUMAN
    errors: tuple[str, ...] = ()


LETTERS = {
    "reply-gmail-fi": Letter(
        "ada@example.org",
        "Hei Mia,\n\nkiitos vastauksesta. Paketti tuli tänään, mutta vihreä tee puuttui.\n\nAda",
    ),
    "reply-gmail-fi-wrapped": Letter("ada@example.org", "Sopii hyvin, kiitos!"),
    "reply-gmail-sv": Letter(
        "astrid@example.org", "Hej!\n\nTack, paketet kom fram i dag.", "Med vänliga hälsningar\nAstrid Björk"
    ),
    "reply-gmail-en": Letter("ben@example.org", "Thanks, that works for me.", "Kind regards,\nBen"),
    "reply-apple-mail-fi": Letter("ada@example.org", "Voisitteko vielä tarkistaa toimitusajan?"),
    "reply-apple-mail-sv": Letter("astrid@example.org", "Ja tack, gärna!"),
    "reply-outlook-fi": Letter(
        "kalle@yritys.example",
        "Hei,\n\nlasku puuttuu vieläkin. Voitteko lähettää sen uudelleen?",
        "Ystävällisin terveisin\nKalle Korhonen\nYritys Oy\npuh. 040 123 4567",
    ),
    "reply-outlook-web-sv": Letter("astrid@example.org", "Hej, kan jag byta till svart te?", "Astrid Björk\nÅbo"),
    "reply-outlook-mobile-en": Letter("ben@example.org", "Is it possible to pick it up in the store?"),
    "reply-thunderbird-fi-bottom": Letter(
        "ada@example.org", "Tarkoitin isompaa pussia, siis sataa grammaa.", "Ada Virtanen"
    ),
    "reply-thunderbird-html-sv": Letter("astrid@example.org", "Adressen är Storgatan 5, 20100 Åbo.", "--\nAstrid"),
    "reply-inline-answers-fi": Letter(
        "ada@example.org",
        "Hei, vastaukset alla.\n\nma 16. marrask. 2026 klo 11.40 Teepuoti <tuki@teepuoti.example> kirjoitti:\n\n"
        "> Kumpi väri?\n\nSininen.\n\n> Montako?\n\nKaksi kappaletta.",
    ),
    "reply-yahoo-html-en": Letter("ben@example.org", "The cup arrived broken."),
    "forward-gmail-fi": Letter(
        "ada@example.org",
        "Tämä lasku tuli minulle vahingossa.\n\n---------- Forwarded message ---------\n"
        "Lähettäjä: Teekauppa <lasku@teekauppa.example>\nDate: su 15. marrask. 2026 klo 9.12\nSubject: Lasku 77\n"
        "To: <ada@example.org>\n\nLasku 77 erääntyy 30.11.2026.",
    ),
    "new-form-like-fi": Letter(
        "ada@example.org",
        "Aihe: palautus\n\nKuljettaja kirjoitti lappuun:\nLähetetty paketti ei tullut.\nPosten skrev så här:\n"
        '"Paketet är på väg."',
    ),
    "new-html-only-en": Letter(
        "ben@example.org",
        "Hello\n\nMy cup & saucer arrived broken.\n\n- cup: in two pieces\n- saucer: chipped\n\nWhat now?\nBen",
    ),
    "new-quoted-printable-sv": Letter(
        "bjorn@example.org",
        "Hej! Har ni grönt te som passar på kvällen? Jag hittade inget på er sida.",
        "Mvh Björn",
    ),
    "new-attachments-fi": Letter("ada@example.org", "Kuva kupista: ja"),
    "away-exchange-fi": Letter(
        "kalle@yritys.example", "Olen lomalla ja palaan 24.11.2026.\n\nKalle", kind=Kind.OUT_OF_OFFICE
    ),
    "away-vacation-sv": Letter(
        "astrid@example.org",
        "Jag är bortrest och läser inte min post förrän den 20 november.",
        kind=Kind.OUT_OF_OFFICE,
    ),
    "automatic-no-reply-fi": Letter(
        "ei-vastata@posti.example", "Lähetys JJFI600 on noudettavissa.", kind=Kind.AUTOMATIC
    ),
    "delivered-report": Letter(
        "mailer-daemon@mx.example.org", "Your message was successfully delivered.", kind=Kind.AUTOMATIC
    ),
    "human-exchange-suppress": Letter("kalle@yritys.example", "Onko teillä kahvia?"),
    "human-weak-away-subject": Letter("ada@example.org", "Tilauksesta 1042 puuttuu yksi tuote."),
    "list-newsletter-en": Letter("news@list.example", "New teas have arrived.", kind=Kind.LIST),
    "own-loop": Letter("tuki@teepuoti.example", "Vastaamme kahdessa tunnissa.", kind=Kind.OWN),
    "charset-cp1252-undeclared": Letter("ada@example.org", "Tack så mycket – ”fint”"),
    "charset-cp850-us-ascii": Letter("ada@example.org", "Hyvää päivää, missä tilaukseni on? Öljy vuoti."),
    "charset-mac-unknown": Letter(
        "ada@example.org", "Hyvää päivää, äiti tilasi teetä.", errors=("charset_mislabelled",)
    ),
    "charset-latin9-euro": Letter("ada@example.org", "Maksoin 25 € liikaa. Määrä oli väärä."),
    "charset-utf16-undeclared": Letter("ada@example.org", "Hyvää päivää"),
    "charset-double-utf8": Letter("ada@example.org", "Hyvää päivää, tässä öljy.", errors=("characters_repaired",)),
    "charset-uncertain": Letter(
        "ada@example.org",
        "\ufffd\ufffd\ufffd\ufffdÿþ·\ufffd\ufffd",
        errors=("charset_mislabelled", "characters_uncertain"),
    ),
    "hostile-from-two-addresses": Letter(None, "Hei.", errors=("from_several_addresses",)),
    "hostile-from-name-is-address": Letter("evil@x.com", "Hei.", errors=("name_imitates_an_address",)),
    "hostile-from-trailing": Letter(None, "Hei.", errors=("from_several_addresses",)),
    "hostile-from-comment": Letter(None, "Hei.", errors=("from_malformed",)),
    "hostile-from-encoded": Letter(None, "Hei.", errors=("from_encoded_address",)),
    "hostile-from-repeated": Letter(None, "Hei.", errors=("from_repeated",)),
    "hostile-rfc2231-path": Letter("ada@example.org", "Liite ohessa."),
    "hostile-html": Letter("ada@example.org", 'Hei<scr linkki <p title="">'),
    "broken-headers-only": Letter("ada@example.org", "", errors=("date_unreadable",)),
    "broken-no-from": Letter(None, "Hei.", errors=("from_missing",)),
    "broken-no-last-boundary": Letter(
        "ada@example.org", "Viesti katkesi kesken", errors=("last_boundary_missing", "base64_damaged")
    ),
    "broken-nul-bytes": Letter("ada@example.org", "Hei maailma"),
}

BOUNCES = {
    "bounce-postfix-hard": Bounce(
        status="5.1.1",
        hard=True,
        recipient="ada@example.org",
        reason="550 5.1.1 <ada@example.org>: Recipient address rejected: User unknown",
        original_message_id="<m.17.abcdef@teepuoti.example>",
    ),
    "bounce-postfix-delayed": Bounce(
        status="4.4.1",
        hard=False,
        recipient="astrid@example.org",
        reason="connect to mail.example.org[192.0.2.7]:25: Connection timed out",
        action="delayed",
        original_message_id="<m.18.abcdef@teepuoti.example>",
    ),
    "bounce-exchange-sv": Bounce(
        status="5.2.2",
        hard=True,
        recipient="kalle@yritys.example",
        reason="554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException",
        original_message_id="<m.19.abcdef@teepuoti.example>",
    ),
    "bounce-qmail-no-report": Bounce(
        status="5.1.1",
        hard=True,
        recipient="kalle@posti.example",
        reason="Sorry, no mailbox here by that name. (#5.1.1)",
        original_message_id="<m.20.abcdef@teepuoti.example>",
    ),
}

UNREADABLE = {"broken-empty": "empty", "broken-binary": "not_a_mail"}


def read(name: str) -> Parsed:
    return parse(Request(raw=(MAILS / f"{name}.eml").read_bytes(), own_addresses=OURS))


def test_every_mail_of_the_corpus_has_an_expectation() -> None:
    assert {file.stem for file in MAILS.glob("*.eml")} == LETTERS.keys() | BOUNCES.keys() | UNREADABLE.keys()


@pytest.mark.parametrize("name", LETTERS)
def test_a_letter_is_read_as_its_sender_meant_it(name: str) -> None:
    mail, expected = read(name), LETTERS[name]

    sender = mail.sender.canonical if mail.sender else None
    assert Letter(sender, mail.visible_text, mail.signature, mail.kind, mail.errors) == expected
    assert mail.bounce is None
    assert (mail.quarantine == "") is (sender is not None)


@pytest.mark.parametrize("name", BOUNCES)
def test_a_returned_mail_tells_whom_it_did_not_reach(name: str) -> None:
    mail = read(name)

    assert mail.bounce == BOUNCES[name]
    assert mail.kind is Kind.BOUNCE
    assert mail.suppress_ack
    assert mail.errors == ()


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_mail_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(Unparseable) as refused:
        read(name)

    assert refused.value.reason == UNREADABLE[name]
    assert not refused.value.died


def test_a_reply_names_the_mails_it_answers() -> None:
    mail = read("reply-gmail-fi")

    assert mail.message_id == "<gmail-fi-1@mail.example.org>"
    assert not mail.message_id_made
    assert mail.in_reply_to == "<m.17.abc@teepuoti.example>"
    assert mail.references == ("<eka@example.org>", "<m.17.abc@teepuoti.example>")
    assert mail.date == NOON
    assert mail.subject == "Vs: Tilaus 1042"
    assert [address.canonical for address in mail.to] == ["tuki@teepuoti.example"]
    assert mail.language == "fi"


def test_a_mail_without_an_id_gets_one_from_its_content() -> None:
    mail = read("charset-latin9-euro")

    assert mail.message_id_made
    assert mail.message_id == f"<{mail.dedupe_key[:32]}@no-message-id.invalid>"


def test_outlook_says_which_thread_a_mail_belongs_to() -> None:
    assert read("reply-outlook-fi").thread_index == "AdsVqPKMAbCdEfGhIjKlMnOpQrStUg=="


def test_a_forwarded_mail_is_known_by_its_subject() -> None:
    assert read("forward-gmail-fi").is_forward
    assert not read("reply-gmail-fi").is_forward


def test_files_keep_their_names_and_inline_images_their_place() -> None:
    mail = read("new-attachments-fi")

    assert [(file.name, file.content_type, file.size, file.content_id, file.inline) for file in mail.attachments] == [
        ("kuppi.png", "image/png", 70, "kuppi@example.org", True),
        ("käyttöohje.pdf", "application/pdf", 9, "", False),
    ]
    assert mail.attachments[1].content == b"%PDF-1.4\n"
    assert mail.html_safe == '<p>Kuva kupista: <img src="cid:kuppi@example.org" alt="kuppi"> ja <img></p>'
    assert mail.remote_images == 1
    assert mail.subject == "Kuva rikkinäisestä kupista"


def test_a_name_put_together_from_pieces_is_no_path() -> None:
    names = [file.name for file in read("hostile-rfc2231-path").attachments]

    assert names == ["_.._etc_passwd", "htaccess"]


@pytest.mark.parametrize(
    "trace", ["hx-", "onclick", "onerror", "javascript", "<form", "<input", "<base", "<meta", "<style", "evil.example"]
)
def test_hostile_html_leaves_nothing_that_acts(trace: str) -> None:
    assert trace not in read("hostile-html").html_safe


def test_a_request_not_to_acknowledge_is_kept_without_doubting_the_person() -> None:
    mail = read("human-exchange-suppress")

    assert mail.kind is Kind.HUMAN
    assert mail.suppress_ack


def test_characters_that_are_a_guess_are_marked() -> None:
    assert read("charset-uncertain").uncertain_characters
    assert not read("charset-cp850-us-ascii").uncertain_characters
