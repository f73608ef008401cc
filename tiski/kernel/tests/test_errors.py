"""Refusals carry a code, a field and a sentence in the reader's language."""

from __future__ import annotations

import re

import pytest
from django.utils.translation import gettext_lazy as _

from tiski.kernel import errors
from tiski.kernel.errors import Conflict, Invalid, NotFound, Refusal, SendFailed, StorageFull, TooMany, Unavailable


class TeaSoldOut(Conflict):
    """For these tests."""

    code = "tests.tea_sold_out"
    sentence = _("%(tea)s is sold out. Offer another one.")


class TeaSpilt(TeaSoldOut):
    """Says the same with the same code."""


def test_a_refusal_says_its_sentence_with_the_details_it_was_given() -> None:
    refusal = TeaSoldOut(tea="Sencha", field="product")

    assert str(refusal) == "Sencha is sold out. Offer another one."
    assert (refusal.code, refusal.field) == ("tests.tea_sold_out", "product")
    assert isinstance(refusal, Conflict)


def test_a_sentence_without_details_may_contain_a_percent_sign() -> None:
    class HalfPrice(Invalid):
        code = "tests.half_price"
        sentence = _("A discount of 100 % is a gift. Give less.")

    assert str(HalfPrice()) == "A discount of 100 % is a gift. Give less."


def test_a_refusal_without_a_code_of_its_own_keeps_its_parents() -> None:
    assert TeaSpilt(tea="Oolong").code == "tests.tea_sold_out"
    assert errors.registry()["tests.tea_sold_out"] is TeaSoldOut


def test_a_code_belongs_to_one_refusal_only() -> None:
    with pytest.raises(TypeError, match=r"'tests\.tea_sold_out' belongs to .*TeaSoldOut already"):

        class Imitation(Invalid):
            code = "tests.tea_sold_out"


def test_too_many_names_its_seconds_and_never_less_than_one() -> None:
    assert str(TooMany(1)) == "Too many attempts. Try again in 1 second."
    assert str(TooMany(90)) == "Too many attempts. Try again in 90 seconds."
    assert TooMany(0).retry_after == 1


def test_a_full_disk_is_a_kind_of_unavailable() -> None:
    assert isinstance(StorageFull(), Unavailable)
    assert StorageFull().retry_after == 30


def test_a_failed_sending_says_whether_to_try_again() -> None:
    failure = SendFailed(permanent=True, reason="The mailbox does not exist.")

    assert failure.permanent
    assert str(failure) == failure.reason == "The mailbox does not exist."
    assert not isinstance(failure, Refusal)


def test_every_registered_refusal_has_a_stable_code_and_a_whole_sentence() -> None:
    ours = {code: each for code, each in errors.registry().items() if each.__module__.startswith("tiski.kernel")}
    for code, refusal in ours.items():
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", code), code
        sentence = str(refusal.sentence) or str(refusal.sentence % {"retry_after": 2})
        assert sentence.endswith("."), code
    assert errors.registry()["not_found"] is NotFound
