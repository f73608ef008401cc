"""Bytes with missing or wrong labels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiski.channels.email.parsing.charset import Decoded, clean, decode

SHORT = [
    "Tack så mycket",
    "Hei ä",
    "Näkemiin",
    "Över",
    "Öljy",
    "hyvää päivää",
    "På måndag",
    "täältä tulee",
    "Åsa",
    "café",
    "Räksmörgås",
    "ÄLÄ SOITA",
    "yö",
]


@pytest.mark.parametrize("charset", ["cp1252", "iso8859-15", "cp850"])
@pytest.mark.parametrize("text", SHORT)
def test_short_nordic_messages_need_no_label(text: str, charset: str) -> None:
    assert decode(text.encode(charset)).text == text


@pytest.mark.parametrize("text", [text for text in SHORT if text != "Hei ä"])
def test_macintosh_text_needs_no_label(text: str) -> None:
    assert decode(text.encode("mac-roman")).text == text


@pytest.mark.parametrize("text", ["”lainaus” näin", "”Ei”", "it’s", "100 € – halpaa", "kahvi…"])
def test_typographic_signs_of_windows_are_read(text: str) -> None:
    assert decode(text.encode("cp1252")).text == text


@pytest.mark.parametrize(
    ("content", "declared", "text", "charset"),
    [
        ("Hyvää".encode(), "utf-8", "Hyvää", "utf-8"),
        ("Hyvää".encode("cp1252"), "iso-8859-1", "Hyvää", "cp1252"),
        ("“tee”".encode("cp1252"), "iso-8859-1", "“tee”", "cp1252"),
        ("Hyvää".encode(), "us-ascii", "Hyvää", "utf-8"),
        ("Hyvää".encode(), "x-nonsense", "Hyvää", "utf-8"),
        ("Hyvää".encode("utf-8-sig"), "iso-8859-1", "Hyvää", "utf-8"),
        ("Hyvää".encode("utf-16"), None, "Hyvää", "utf-16"),
        ("Hei".encode("utf-16-le"), None, "Hei", "utf-16-le"),
        ("Hei".encode("utf-16-be"), "utf-8", "Hei", "utf-16-be"),
        ("Привет".encode("koi8-r"), "koi8-r", "Привет", "koi8-r"),
        ("Привет, где мой заказ".encode("cp1251"), None, "Привет, где мой заказ", "cp1251"),
        ("ご注文".encode("iso2022_jp"), "ISO-2022-JP", "ご注文", "iso2022_jp"),
        ("訂單".encode("gb18030"), "gb2312", "訂單", "gb18030"),
        ("Hyvää".encode("mac-roman"), "x-mac-roman", "Hyvää", "mac-roman"),
        (b"Hei", "utf-16", "Hei", "utf-16"),
        (b"Hei", None, "Hei", "ascii"),
    ],
)
def test_the_label_is_believed_as_far_as_the_bytes_bear_it_out(
    content: bytes, declared: str | None, text: str, charset: str
) -> None:
    found = decode(content, declared)

    assert (found.text, found.charset, found.uncertain) == (text, charset, False)


def test_the_euro_sign_of_latin_9_is_recognised_beside_a_number() -> None:
    assert decode(b"Maksoin 25 \xa4 liikaa, \xa4 5", "iso-8859-1").text == "Maksoin 25 € liikaa, € 5"
    assert decode(b"\xa4 merkki", "iso-8859-1").text == "¤ merkki"


def test_text_encoded_twice_is_repaired_and_says_so() -> None:
    twice = "Hyvää yötä".encode().decode("cp1252").encode()

    assert decode(twice, "utf-8") == Decoded("Hyvää yötä", "utf-8", repaired=True)


@pytest.mark.parametrize("codec", ["zlib", "idna", "unicode_escape", "rot13", "base64", "undefined", "punycode"])
def test_python_codecs_that_are_no_charsets_are_never_used(codec: str) -> None:
    assert decode(b"Hei \\u0041 \xe4iti", codec).text == "Hei \\u0041 äiti"


def test_what_no_charset_fits_is_read_with_gaps_and_marked() -> None:
    found = decode(b"\x81\x8d\x8f\x90\xff\xfe\xb7\x81\x9d")

    assert found.uncertain
    assert found.text == "\ufffd\ufffd\ufffd\ufffdÿþ·\ufffd\ufffd"


def test_line_ends_and_control_characters_are_put_right() -> None:
    assert clean("a\r\nb\rc\x0cd\x85e\x00\x07\x1b\x7f\x9f\tf\ud800") == "a\nb\nc\nd\ne\tf\ufffd"


@given(st.binary(max_size=400), st.sampled_from([None, "utf-8", "us-ascii", "utf-16", "utf-7", "cp850", "hz", "x"]))
def test_any_bytes_become_text_that_can_be_stored(content: bytes, declared: str | None) -> None:
    text = clean(decode(content, declared).text)

    assert text.encode("utf-8").decode("utf-8") == text
    assert "\0" not in text


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzåäö .,\n", min_size=1), st.sampled_from(["utf-8", "cp1252"]))
def test_a_true_label_is_always_right(text: str, charset: str) -> None:
    assert decode(text.encode(charset), charset).text == text
