"""Which conversation a mail belongs to: a claim needs a proof (channels.md 3.2, security.md A01-A05)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from tiski.channels.email.placing import Letter, Received, decide
from tiski.conversations import actions as conversations
from tiski.conversations.models import InboundRaw
from tiski.kernel import clock

if TYPE_CHECKING:
    from tiski.testing.letterbox import Post

EVE = "Eve <eve@example.net>"
ADA = "Ada Virtanen <ada@example.fi>"
DENIED = {"Authentication_Results": "mx.teepuoti.example; dmarc=fail header.from=example.fi"}
GUESSED = "a" * 26


@pytest.fixture
def first(post: Post) -> InboundRaw:
    """Ada's first mail, which Mia has answered."""
    raw = post.receive(post.mail(message_id="<first@example.fi>"))
    post.answer(raw)
    return raw


def decided(post: Post, raw: bytes) -> tuple[int | None, str, bool, int | None]:
    """The decision about a mail: conversation, rule, whether the sender is verified, and what is suggested."""
    received = Received(0, post.mailbox.id, "", clock.now(), {}, len(raw))
    with post.world.scope():
        [decision] = decide([Letter(received, post.mailbox, post.parse(raw))])
    return decision.conversation, decision.rule, decision.is_verified, decision.suggested


def proof(post: Post, first: InboundRaw, signal: str) -> dict[str, str]:
    """What a mail carries that claims to belong to the first one's conversation."""
    assert first.conversation is not None
    ours = post.answer(first).stable_id
    return {
        "token": {"to": post.token(first)},
        "delivered to the token": {"to": "undisclosed:;", "Delivered_To": post.token(first)},
        "our Message-ID": {"In_Reply_To": ours},
        "our Message-ID among many": {"References": f"<a@x.example> {ours} <b@x.example>", "In_Reply_To": "<c@x.fi>"},
        "their Message-ID": {"In_Reply_To": "<first@example.fi>"},
        "the subject": {"subject": "Re: Kysymys"},
    }[signal]


STRONG = ["token", "delivered to the token", "our Message-ID", "our Message-ID among many"]


@pytest.mark.parametrize("signal", STRONG)
@pytest.mark.parametrize("who", ["Ada", "Ada denied by her domain", "a stranger"])
def test_a04_a_proof_threads_and_says_who_is_not_known(post: Post, first: InboundRaw, signal: str, who: str) -> None:
    sender = EVE if who == "a stranger" else ADA
    claim = proof(post, first, signal) | (DENIED if "denied" in who else {})
    rule = "token" if "token" in signal else "message-id"
    expected = (first.conversation_id, rule, True, None)
    if who != "Ada":
        expected = (first.conversation_id, f"{rule}:unverified", False, None)
    assert decided(post, post.mail(sender=sender, **claim)) == expected


def test_a_mail_to_the_token_in_capitals_still_belongs_to_it(post: Post, first: InboundRaw) -> None:
    shouted = post.token(first).upper().replace("TEEPUOTI.EXAMPLE", "teepuoti.example")
    assert decided(post, post.mail(to=shouted))[:2] == (first.conversation_id, "token")


def test_a_reference_to_a_mail_that_others_may_have_threads_only_for_who_takes_part(
    post: Post, first: InboundRaw
) -> None:
    claim, number = proof(post, first, "their Message-ID"), first.conversation_id
    assert decided(post, post.mail(**claim)) == (number, "reference", True, None)
    stranger = decided(post, post.mail(sender=EVE, **claim))
    assert stranger == (None, "new:reference-without-proof", True, number)
    denied = decided(post, post.mail(**claim, **DENIED))
    assert denied == (None, "new:reference-without-proof", False, number)


def test_who_got_an_answer_of_ours_takes_part(post: Post, first: InboundRaw) -> None:
    item = post.answer(first)
    type(item).unscoped.filter(id=item.id).update(recipient="Partner@Example.net")
    claim = proof(post, first, "their Message-ID")
    assert decided(post, post.mail(sender="partner@example.net", **claim))[:2] == (first.conversation_id, "reference")


def test_a03_a_subject_alone_never_threads(post: Post, first: InboundRaw) -> None:
    claim = proof(post, first, "the subject")
    assert decided(post, post.mail(**claim)) == (None, "new", True, None)
    assert decided(post, post.mail(**claim, **DENIED)) == (None, "new", False, None)


@pytest.mark.parametrize("signal", ["token", "our Message-ID", "their Message-ID"])
@pytest.mark.parametrize(("days", "reopens"), [(13.9, True), (14.1, False)])
def test_a_conversation_closed_for_more_than_two_weeks_stays_closed(
    post: Post, first: InboundRaw, signal: str, days: float, reopens: bool
) -> None:
    claim = proof(post, first, signal)
    assert first.conversation is not None
    with post.world.scope():
        conversations.close(first.conversation, by=post.world.by_mia)
    with time_machine.travel(clock.now() + timedelta(days=days), tick=False):
        number, rule, is_verified, suggested = decided(post, post.mail(**claim))
    assert is_verified
    if reopens:
        assert (number, suggested) == (first.conversation_id, None)
    else:
        assert (number, suggested) == (None, first.conversation_id)
        assert rule.endswith("-closed-long-ago")


def test_a01_guessed_marks_prove_nothing(post: Post, first: InboundRaw) -> None:
    number = first.conversation_id
    mac = post.token(first).partition(".")[2].partition("@")[0]
    second = post.receive(post.mail("Toinen asia"))
    ours = post.answer(first).stable_id
    local, domain = "asiakaspalvelu", "teepuoti.example"
    claims: list[dict[str, str]] = [
        {"to": f"{local}+r{number}.{GUESSED}@{domain}"},
        {"to": f"{local}+r{number}@{domain}"},
        {"to": f"{local}+r{number}.@{domain}"},
        {"to": f"{local}+r{number}.{mac[:-1]}@{domain}"},
        {"to": f"{local}+r{number}.{mac}a@{domain}"},
        {"to": f"{local}+r{second.conversation_id}.{mac}@{domain}"},
        {"to": f"{local}+b{number}.{mac}@{domain}"},
        {"to": f"reply-{number}@{domain}"},
        {"In_Reply_To": f"<m.1.{GUESSED}@{domain}>"},
        {"In_Reply_To": ours.replace("<m.", "<m.9")},
        {"In_Reply_To": f"<m.{number}.@{domain}>"},
        {"References": " ".join(f"<m.{each}.{GUESSED}@{domain}>" for each in range(90))},
        {"X_Tiski_Conversation": str(number), "subject": f"[T-{number}] [#{number}] Kysymys"},
    ]
    for claim in claims:
        assert decided(post, post.mail(**claim)) == (None, "new", True, None), claim


def test_a01_the_marks_of_another_shop_lead_nowhere(post: Post, other_post: Post) -> None:
    foreign = other_post.receive(other_post.mail(message_id="<theirs@example.fi>"))
    ours = other_post.answer(foreign).stable_id
    claims: list[dict[str, str]] = [
        {"to": other_post.token(foreign)},
        {"to": post.token(foreign)},
        {"In_Reply_To": ours},
        {"References": f"<theirs@example.fi> {ours}"},
    ]
    for claim in claims:
        assert decided(post, post.mail(**claim)) == (None, "new", True, None), claim


def test_a05_the_word_of_a_server_that_was_not_named_counts_for_nothing(post: Post, first: InboundRaw) -> None:
    forged = {"Authentication_Results": "mx.evil.example; dmarc=fail header.from=example.fi"}
    assert decided(post, post.mail(**proof(post, first, "token"), **forged))[1] == "token"
