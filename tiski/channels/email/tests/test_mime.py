"""Parts, texts and files of a mail, and what happens beyond the caps."""

import base64

import pytest

from tiski.channels.email.parsing import body, mime
from tiski.channels.email.parsing.body import Body, Content, unflowed
from tiski.channels.email.parsing.model import Findings

MIXED = "Content-Type: multipart/mixed; boundary=raja\n\n"


def read(raw: str | bytes) -> tuple[Content, tuple[str, ...]]:
    findings = Findings()
    mail = mime.read(raw.encode() if isinstance(raw, str) else raw, findings)
    return body.read(mail, findings), findings.codes


def text(raw: str | bytes) -> str | None:
    content, _ = read(raw)
    return content.bodies[0].plain


def test_an_alternative_is_one_text_in_two_forms() -> None:
    content, errors = read(
        "Content-Type: multipart/alternative; boundary=raja\n\n--raja\n\nHei\n--raja\nContent-Type: text/html\n\n"
        "<p>Hei</p>\n--raja--\n"
    )

    assert content.bodies == (Body("Hei", "<p>Hei</p>"),)
    assert errors == ()


def test_apple_mail_puts_pictures_between_pieces_of_text() -> None:
    content, _ = read(
        f"{MIXED}--raja\n\nEnsin tämä\n--raja\nContent-Type: image/png\nContent-ID: <k@x>\n\nx\n"
        "--raja\n\nsitten tämä\n--raja--"
    )

    assert [part.plain for part in content.bodies] == ["Ensin tämä", "sitten tämä"]
    assert [(file.name, file.inline, file.content_id) for file in content.attachments] == [("image.png", True, "k@x")]


def test_a_text_file_is_a_file() -> None:
    content, _ = read(
        f"{MIXED}--raja\n\nHei\n--raja\nContent-Type: text/plain\n"
        "Content-Disposition: attachment; filename=a.txt\n\nliite\n"
        "--raja\nContent-Type: text/plain; name=b.txt\n\nliite\n--raja--"
    )

    assert [part.plain for part in content.bodies] == ["Hei"]
    assert [(file.name, file.content) for file in content.attachments] == [("a.txt", b"liite"), ("b.txt", b"liite")]


def test_an_enclosed_mail_is_a_file_named_by_its_subject_and_is_not_opened() -> None:
    content, _ = read(
        f"{MIXED}--raja\n\nKatso tämä\n--raja\nContent-Type: message/rfc822\n\nSubject: Lasku/77\nFrom: x@y.example\n\n"
        "salaisuus\n--raja--"
    )

    assert [part.plain for part in content.bodies] == ["Katso tämä"]
    assert [file.name for file in content.attachments] == ["Lasku_77.eml"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\r\r\n"])
def test_every_kind_of_line_end_is_understood(end: bytes) -> None:
    lines = [
        b"Subject: x",
        b"Content-Type: multipart/mixed; boundary=raja",
        b"",
        b"alku",
        b"--raja",
        b"",
        b"Hei",
        b"--raja--",
    ]

    assert text(end.join(lines)) == "Hei"


def test_only_a_whole_line_is_a_boundary() -> None:
    assert text(f"{MIXED}--raja\n\nraja --raja\n--rajaton\n --raja\n--raja  \n\ntoinen\n--raja--") == (
        "raja --raja\n--rajaton\n --raja"
    )


def test_a_multipart_without_its_boundary_is_shown_as_text() -> None:
    content, errors = read("Content-Type: multipart/mixed; boundary=raja\n\nHei\n")

    assert content.bodies == (Body("Hei\n", None),)
    assert errors == ("boundary_missing",)


def test_a_mail_cut_short_keeps_what_arrived() -> None:
    content, errors = read(f"{MIXED}--raja\n\nHei\n--raja\nContent-Type: application/pdf\n")

    assert content.bodies[0].plain == "Hei"
    assert [(file.name, file.content) for file in content.attachments] == [("attachment.pdf", b"")]
    assert errors == ("last_boundary_missing",)


@pytest.mark.parametrize(
    ("written", "content", "errors"),
    [
        (b"SGVp", b"Hei", ()),
        (b"SG\r\nVp\r\n", b"Hei", ()),
        (b"SGVpIQ==", b"Hei!", ()),
        (b"SGVpIQ", b"Hei!", ("base64_damaged",)),
        (b"SGV\xffp!!!!", b"Hei", ("base64_damaged",)),
        (b"SGVpIQ==SGVp", b"Hei!", ("base64_damaged",)),
        (b"S", b"", ("base64_damaged",)),
        (b"", b"", ()),
        (b"  SGVp  ", b"Hei", ()),
    ],
)
def test_base64_is_read_as_far_as_it_makes_sense(written: bytes, content: bytes, errors: tuple[str, ...]) -> None:
    found, noted = read(b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n" + written)

    assert found.attachments[0].content == content
    assert noted == errors


def test_an_unknown_transfer_encoding_leaves_the_bytes() -> None:
    content, errors = read("Content-Transfer-Encoding: x-own\n\nHei=20")

    assert content.bodies[0].plain == "Hei=20"
    assert errors == ("transfer_encoding_unknown",)


def test_quoted_printable_forgives_what_is_not_encoded() -> None:
    assert text(
        "Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain; charset=utf-8\n\na=C3=A4=ZZ=\nb = c"
    ) == ("aä=ZZb = c")


def test_html_may_name_its_own_charset() -> None:
    content, _ = read(b'Content-Type: text/html\n\n<meta charset="koi8-r"><p>' + "Да".encode("koi8-r"))

    assert content.bodies[0].html == '<meta charset="koi8-r"><p>Да'


def test_three_thousand_nested_parts_are_cut_off() -> None:
    opening = "".join(f"Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n" for level in range(3000))

    content, errors = read(f"{opening}\n\nsyvällä")

    assert content == Content((), ())
    assert errors == ("last_boundary_missing", "nested_too_deeply")


def test_a_hundred_thousand_parts_end_at_the_cap() -> None:
    content, errors = read(MIXED + "--raja\n\nx\n" * 100_000)

    assert len(content.bodies) == 199
    assert errors == ("too_many_parts",)


def test_five_hundred_enclosed_mails_are_one_file() -> None:
    content, _ = read("Content-Type: message/rfc822\n\n" * 500 + "Subject: x\n\nHei")

    assert [file.content_type for file in content.attachments] == ["message/rfc822"]


def test_tnef_is_offered_as_it_came() -> None:
    encoded = base64.b64encode(b"\x78\x9f\x3e\x22").decode()
    content, errors = read(
        f"Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n{encoded}"
    )

    assert [(file.name, file.content) for file in content.attachments] == [("winmail.dat", b"\x78\x9f\x3e\x22")]
    assert errors == ()


@pytest.mark.parametrize(
    "name",
    ["\u200b.htaccess", "invoice\u202egpj.exe", "a\x00.php", "x" * 300, "CON", "..\u2215..\u2215", "../../etc/passwd"],
)
def test_a_file_name_is_display_text_and_nothing_else(name: str) -> None:
    content, _ = read(
        f'{MIXED}--raja\nContent-Type: application/pdf\nContent-Disposition: attachment; filename="{name}"\n\nx\n'
    )

    shown = content.attachments[0].name
    assert shown.isprintable()
    assert 0 < len(shown) <= 255
    assert not shown.startswith(".")
    assert not set(shown) & set("/\\\u2215")
    assert shown.upper() != "CON"


@pytest.mark.parametrize(
    ("flowed", "joined"),
    [
        ("yksi \nkaksi\nkolme", "yksi kaksi\nkolme"),
        ("> yksi \n> kaksi\n> kolme", "> yksi kaksi\n> kolme"),
        ("> yksi \nkaksi", "> yksi \nkaksi"),
        (" From tai\n  sisennys", "From tai\n sisennys"),
        ("terve \n-- \nAda", "terve \n-- \nAda"),
        (">> a \n> b", ">> a \n> b"),
        ("", ""),
    ],
)
def test_flowed_lines_are_joined_within_their_quote(flowed: str, joined: str) -> None:
    assert unflowed(flowed) == joined


def test_flowed_lines_may_give_up_their_space() -> None:
    assert unflowed("yhdys \nsana", delete_space=True) == "yhdyssana"
