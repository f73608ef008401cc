"""Marks that prove a mail answers ours: what we make is believed, and nothing else is."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from tiski.channels.email import marks

NUMBERS = st.integers(min_value=1, max_value=2**53)
LOCAL = st.text(alphabet=string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=20)
ADDRESSES = st.builds("{}@{}.example".format, LOCAL, LOCAL.map(lambda text: text.strip("-_") or "x"))
TRASH = st.text(max_size=200)


@given(NUMBERS, ADDRESSES)
def test_a_reply_address_names_its_conversation_in_any_case(number: int, mailbox: str) -> None:
    made = marks.reply_address(mailbox, number)
    assert marks.conversation_in(["else@x.example", made], mailbox) == number
    assert marks.conversation_in([made.upper()], mailbox) == number
    assert made == made.lower()


@given(NUMBERS, ADDRESSES)
def test_a_return_path_names_its_delivery_and_is_no_reply_address(number: int, mailbox: str) -> None:
    made = marks.return_path(mailbox, number)
    assert marks.delivery_in([made], mailbox) == number
    assert marks.conversation_in([made, made.replace("+b", "+r")], mailbox) is None


@given(NUMBERS, NUMBERS, ADDRESSES, ADDRESSES)
def test_a_mark_is_good_for_one_number_and_one_mailbox(one: int, two: int, here: str, there: str) -> None:
    made = marks.reply_address(here, one)
    assert marks.conversation_in([made.replace(f"+r{one}.", f"+r{two}.")], here) == (one if one == two else None)
    assert marks.conversation_in([made], there) == (one if here == there else None)


@given(NUMBERS, st.integers(min_value=0, max_value=24), st.sampled_from(string.ascii_lowercase + "234567"))
def test_one_changed_character_spoils_it(number: int, place: int, letter: str) -> None:
    made = marks.message_id(number, "teepuoti.example")
    start = made.index(".", 3) + 1 + place
    changed = made[:start] + letter + made[start + 1 :]
    assert marks.messages_in([made]) == [number]
    assert marks.messages_in([changed]) == ([number] if changed == made else [])


@given(NUMBERS, TRASH)
def test_our_message_id_is_known_whatever_the_domain_became(number: int, trash: str) -> None:
    made = marks.message_id(number, "teepuoti.example")
    elsewhere = made.replace("teepuoti.example", "relay.example")
    assert marks.messages_in([trash, f" {made} ", elsewhere]) == [number, number]
    assert marks.messages_in([made[1:-1], f"x{made}", made + "x"]) == []


@given(st.lists(TRASH, max_size=20))
def test_no_text_proves_anything_by_chance_or_breaks_the_reading(texts: list[str]) -> None:
    assert marks.messages_in(texts) == []
    assert marks.conversation_in(texts, "a@b.example") is None
    assert marks.delivery_in(texts, "a@b.example") is None


def test_a_mark_fits_into_an_address() -> None:
    made = marks.reply_address("asiakaspalvelu@teepuoti.example", 123_456_789)
    assert len(made.partition("@")[0]) <= 64
