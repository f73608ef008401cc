"""Words as they are indexed and looked for."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiski.kernel.terms import LONGEST_WORD, folded, terms, words


def shared(one: str, other: str, language: str) -> bool:
    """Whether two words are found by each other."""
    return bool(terms(one, language) & terms(other, language))


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("fi", ["palautus", "palautuksen", "palautusta", "Palautuksia", "PALAUTUKSET"]),
        ("fi", ["tilaus", "tilaukseni", "tilausta", "tilauksista"]),
        ("fi", ["kysymys", "kysymyksen", "kysymystä"]),
        ("fi", ["paketti", "paketin", "pakettia", "paketeissa"]),
        ("sv", ["beställning", "beställningen", "beställningar"]),
        ("en", ["order", "orders", "ordered"]),
    ],
)
def test_the_forms_of_a_word_share_a_term(language: str, forms: list[str]) -> None:
    assert [form for form in forms if not shared(form, forms[0], language)] == []


def test_dots_are_letters_and_foreign_accents_are_not() -> None:
    assert not shared("näin", "nain", "fi")
    assert folded("Café") == folded("CAFE") == "cafe"
    assert folded("ÄITI") == folded("a\u0308iti".replace("a\u0308", "ä")) == "äiti"
    assert terms("a\u0308iti", "fi") == terms("Äiti", "fi")


def test_words_are_whole_where_people_write_them_so() -> None:
    assert {"t-1234", "t", "1234"} <= terms("Viite T-1234.", "fi")
    assert "jjfi65432100" in terms("JJFI65432100", "fi")
    assert terms("DHL:n", "fi") == terms("dhl", "fi")
    assert {"chat-apu", "chat", "apu"} <= terms("chat-apu", "fi")
    assert words("12:30 http://x.fi") == ["12", "30", "http", "x", "fi"]


def test_a_language_that_is_not_known_keeps_the_words() -> None:
    assert terms("Wo ist mein Päckchen?", "de") == {"wo", "ist", "mein", "päckchen"}
    assert terms("こんにちは", "") == {"こんにちは"}


def test_every_thread_has_its_own_stemmers() -> None:
    found: list[set[str]] = []
    threads = [threading.Thread(target=lambda: found.append(terms("palautuksen", "fi"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [terms("palautuksen", "fi")] * 8


@given(st.text())
def test_a_term_is_letters_digits_and_hyphens_whatever_comes(text: str) -> None:
    for term in terms(text, "fi"):
        assert 0 < len(term) <= LONGEST_WORD * 3
        assert all(sign == "-" or sign.isalnum() for sign in term), term
        assert term == term.lower() or term.casefold() == term
