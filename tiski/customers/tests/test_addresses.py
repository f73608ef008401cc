"""How addresses are compared (channels.md 3.7): what is one person, what is two, what is nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiski.customers.errors import NotAnAddress
from tiski.customers.models import Identity


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Ada@Example.FI", "ada@example.fi"),
        (" ada@example.fi ", "ada@example.fi"),
        ("ada@example.fi.", "ada@example.fi"),
        ("ada+tee@example.fi", "ada+tee@example.fi"),
        ("a.d.a@example.fi", "a.d.a@example.fi"),
        ("ada@tämä.example", "ada@xn--tm-viab.example"),
        ("ÄDA@example.fi", "Äda@example.fi"),
        ("A\u0308DA@example.fi", "Äda@example.fi"),
    ],
)
def test_an_email_address_has_one_form(written: str, kept: str) -> None:
    assert Identity.canonical("email", written) == kept


def test_a09_addresses_that_only_look_alike_are_different_people() -> None:
    alike = ["mike@example.org", "mıke@example.org", "mike+x@example.org", "ⓜike@example.org", "mike@exаmple.org"]
    assert len({Identity.canonical("email", address) for address in alike}) == 5


@pytest.mark.parametrize(
    "written",
    [
        "",
        "ada",
        "ada@",
        "@example.fi",
        "ada@@example.fi",
        "ada@example.fi,evil@x.example",
        "<ada@example.fi>",
        "ada@example.fi\r\nBcc: evil@x.example",
        "ada@exam\u200bple.fi",
        "ada @example.fi",
        "a" * 320 + "@example.fi",
        "ada@.",
    ],
)
def test_a08_what_is_not_one_plain_address_is_refused(written: str) -> None:
    with pytest.raises(NotAnAddress):
        Identity.canonical("email", written)


@pytest.mark.parametrize(
    ("written", "kept"),
    [("+358 40 123 4567", "+358401234567"), ("00358 (40) 123-4567", "+358401234567"), ("040 123 4567", "0401234567")],
)
def test_a_phone_number_keeps_its_digits(written: str, kept: str) -> None:
    assert Identity.canonical("phone", written) == kept


@pytest.mark.parametrize("written", ["12", "soita minulle", "+", "+358 40 123 4567 x 9", "1" * 21])
def test_what_cannot_be_dialled_is_refused(written: str) -> None:
    with pytest.raises(NotAnAddress):
        Identity.canonical("phone", written)


@given(st.sampled_from(["email", "phone", "visitor", "social"]), st.text(max_size=60))
def test_the_one_form_of_an_address_is_its_own_form_and_one_line(kind: str, written: str) -> None:
    try:
        kept = Identity.canonical(kind, written)
    except NotAnAddress:
        return
    assert Identity.canonical(kind, kept) == kept
    assert "\n" not in kept
    assert "\r" not in kept
