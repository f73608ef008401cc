"""Exactly one plain address, or quarantine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiski.channels.email.parsing import address
from tiski.channels.email.parsing.address import Sender, canonical
from tiski.channels.email.parsing.model import Address, Findings


def read(*values: str) -> Sender:
    return address.sender([value.encode() for value in values], Findings())


@pytest.mark.parametrize(
    ("value", "name", "plain"),
    [
        ("ada@example.org", "", "ada@example.org"),
        ("<ada@example.org>", "", "ada@example.org"),
        ("Ada Virtanen <ada@example.org>", "Ada Virtanen", "ada@example.org"),
        ('"Virtanen, Ada" <ada@example.org>', "Virtanen, Ada", "ada@example.org"),
        ('"Ada \\"Mimmi\\" Virtanen" <ada@example.org>', 'Ada "Mimmi" Virtanen', "ada@example.org"),
        ("ada@example.org (Ada Virtanen)", "Ada Virtanen", "ada@example.org"),
        ("Ada P. Virtanen <ada@example.org> (koti)", "Ada P. Virtanen", "ada@example.org"),
        ("=?utf-8?q?Ada_M=C3=A4kinen?= <ada@example.org>", "Ada Mäkinen", "ada@example.org"),
        ("Mäkinen Ada <ada@example.org>", "Mäkinen Ada", "ada@example.org"),
        ("ada@example.org <ada@example.org>", "", "ada@example.org"),
        ("ADA@Example.ORG", "", "ada@example.org"),
        ("o'neil+tea@example.org", "", "o'neil+tea@example.org"),
        ("Ada <ada@äiti.example>", "Ada", "ada@xn--iti-pla.example"),
        ("mıke@example.org", "", "mıke@example.org"),
        ("ⓐdmin@example.org", "", "ⓐdmin@example.org"),
        ("Ada\u202e\u200b\x00 <ada@example.org>", "Ada", "ada@example.org"),
    ],
)
def test_one_plain_address_is_the_sender(value: str, name: str, plain: str) -> None:
    found = read(value)

    assert found.quarantine == ""
    assert found.address is not None
    assert (found.address.name, found.address.canonical) == (name, plain)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("victim@shop.com,evil@x.com", "from_several_addresses"),
        ("victim@shop.com evil@x.com", "from_malformed"),
        ("<victim@shop.com>evil@x.com", "from_several_addresses"),
        ("<victim@shop.com> <evil@x.com>", "from_malformed"),
        ("victim@shop.com <evil@x.com>", "from_several_addresses"),
        ("victim@shop.com(<evil@x.com>", "from_malformed"),
        ("evil@x.com (victim@shop.com)", "from_malformed"),
        ("=?utf-8?q?a=40b?=@host.example", "from_encoded_address"),
        ("=?utf-8?q?a=40b?=c@host.example", "from_encoded_address"),
        ("=?utf-8?q?victim=40shop.com?= x@evil.com", "from_encoded_address"),
        ("=?utf-8?b?QWRhIDxhZGFAeC5maT4=?=", "from_encoded_address"),
        ("Ada <=?utf-8?q?ada?=@example.org>", "from_encoded_address"),
        ("Shop: ada@example.org;", "from_is_a_group"),
        ("Ada <ada@example.org", "from_malformed"),
        ('"Ada <ada@example.org>', "from_malformed"),
        ("Ada <@relay.example:ada@example.org>", "from_malformed"),
        ('"ada"@example.org', "from_malformed"),
        ("ada@[127.0.0.1]", "from_malformed"),
        ("ada@example.org.", "from_malformed"),
        (".ada@example.org", "from_malformed"),
        ("ada@e\u200bvil.example", "from_malformed"),
        ("Ada", "from_malformed"),
        ("<>", "from_malformed"),
        ("", "from_missing"),
        ("(" * 2000, "from_malformed"),
        (f"{'a' * 65}@example.org", "from_malformed"),
    ],
)
def test_a08_anything_else_is_quarantined_with_its_reason(value: str, reason: str) -> None:
    assert read(value) == Sender(None, reason)


def test_a08_two_from_fields_are_two_senders() -> None:
    assert read("ada@example.org", "ada@example.org") == Sender(None, "from_repeated")


def test_no_from_field_is_no_sender() -> None:
    assert read() == Sender(None, "from_missing")


def test_a08_a_name_that_imitates_another_address_is_left_out_and_told() -> None:
    findings = Findings()

    found = address.sender([b'"victim@shop.com" <evil@x.com>'], findings)

    assert found == Sender(Address("", "evil@x.com", "evil@x.com"), "")
    assert findings.codes == ("name_imitates_an_address",)


def test_lists_keep_their_plain_addresses_and_drop_the_rest() -> None:
    value = b'Ada <ada@example.org>, undisclosed-recipients:;, "x"@y, =?utf-8?q?a=40b?=@c, Ben <ben@example.org>'

    found = address.recipients([value], Findings())

    assert [item.canonical for item in found] == ["ada@example.org", "ben@example.org"]


def test_a_group_gives_its_members() -> None:
    found = address.recipients([b"Friends: ada@example.org, Ben <ben@example.org>;"], Findings())

    assert [item.canonical for item in found] == ["ada@example.org", "ben@example.org"]


def test_sixteen_thousand_addresses_end_at_the_cap() -> None:
    findings = Findings()
    value = b", ".join(b"a%d@example.org" % number for number in range(16_000))

    found = address.recipients([value], findings)

    assert len(found) == 500
    assert findings.codes == ("too_many_addresses",)


def test_a09_lookalikes_stay_different_people() -> None:
    assert canonical("mıke@example.org") != canonical("mike@example.org")
    assert canonical("ⓐdmin@example.org") != canonical("admin@example.org")
    assert canonical("ada+tea@example.org") != canonical("ada@example.org")
    assert canonical("a.da@example.org") != canonical("ada@example.org")
    assert canonical("İda@example.org") != canonical("ida@example.org")


def test_one_person_written_in_several_ways_is_one() -> None:
    assert canonical("ADA@EXAMPLE.ORG") == canonical("ada@example.org") == "ada@example.org"
    assert canonical("a\u0308iti@example.org") == canonical("äiti@example.org")
    assert canonical("ada@ÄITI.example") == canonical("ada@xn--iti-pla.example")


@given(st.text())
def test_no_text_makes_the_reader_fail(text: str) -> None:
    found = read(text.encode("utf-8", "replace").decode("utf-8"))

    assert (found.address is None) is bool(found.quarantine)


@given(st.lists(st.sampled_from(["a@b.fi", "<", ">", '"', "(", ")", ",", ";", ":", "\\", " ", "=?utf-8?q?x?=", "ä"])))
def test_no_mixture_of_signs_yields_a_sender_nobody_wrote(pieces: list[str]) -> None:
    found = read("".join(pieces))

    if found.address is not None:
        assert found.address.canonical in {canonical(text) for text in ("".join(pieces), found.address.address)}
        assert found.address.address in "".join(pieces)
