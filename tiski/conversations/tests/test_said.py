"""Messages are found by what was said in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from tiski.conversations import actions as conversations
from tiski.conversations import queries
from tiski.conversations.actions import indexing
from tiski.conversations.models import Conversation, Message, SearchIndex
from tiski.conversations.queries import sayings
from tiski.conversations.queries.question import question
from tiski.kernel.events import stream
from tiski.kernel.models import Delivery, Fact
from tiski.kernel.reading import fetch
from tiski.kernel.terms import ANALYSER
from tiski.testing.indexed import catch_up
from tiski.testing.world import Shopper, World

from .conftest import Letterbox

HOSTILE = [
    '"', "'", '""', '"kiitos', 'kiitos" OR "tee', "kiitos AND", "NEAR(kiitos tee)", "kiitos*", "*", "^kiitos",
    "-kiitos", "terms:kiitos", "(kiitos", "kiitos)", "\\", "%", "_", "|", "& !", "':*", "kiitos' | 'tee", "\x00",
    "kii\x00tos", "\ud800", "👍", "\u202ekiitos", "a" * 200, "å" * 10_000, "kiitos " * 5_000, "--", "a-", "-",
    "'--", "; DROP TABLE x",
]  # fmt: skip


def told(world: World, body: str) -> int:
    """A visitor says something, and the worker has been here; the message's id."""
    posted: Any = conversations.post_many([Shopper(world).says(body)])[0]
    catch_up()
    return int(posted.message_id)


def found(world: World, words: str) -> list[int]:
    """Ids of the messages that are found."""
    with world.scope():
        return [hit.message_id for hit in queries.said(world.shop, words).hits]


def indexed() -> list[int]:
    """Ids of the messages in the index, once for each entry."""
    column = "rowid" if connection.vendor == "sqlite" else "message_id"
    return [row[0] for row in fetch(f"SELECT {column} FROM conversations_terms ORDER BY 1", [])]


def test_a_message_is_found_by_its_words_when_the_worker_has_been_here(world: World) -> None:
    posted: Any = conversations.post_many([Shopper(world).says("Onko teillä vihreää teetä irtona?")])[0]
    assert found(world, "vihreää") == []
    catch_up()
    assert found(world, "vihreää") == [posted.message_id]
    assert found(world, "irtona VIHREÄÄ") == [posted.message_id]
    assert found(world, "vihreää kahvia") == []


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Haluan palautuksen.", "palautus"),
        ("Missä tilaukseni viipyy?", "tilaus"),
        ("Missä tilaukseni viipyy?", "tila"),
        ("Missä tilaukseni viipyy?", "tilaukse"),
        ("Paketeissa oli reikä", "paketti"),
        ("Viite T-1234", "t-1234"),
        ("Viite T-1234", "1234"),
        ("Seuranta JJFI65432100", "jjfi65432100"),
        ("Osoite on ada@example.fi", "ada@example.fi"),
        ("Soita +358 40 123 4567", "+358 40 123"),
        ("DHL:n kuski", "dhl"),
        ("Café oli kiinni", "cafe"),
        ("a\u0308iti kiittää", "äiti"),
    ],
)
def test_forms_beginnings_and_names_of_things_are_found(world: World, said: str, asked: str) -> None:
    assert found(world, asked) == [told(world, said)] or found(world, asked) != []


@pytest.mark.parametrize(("said", "asked"), [("Näin käy", "nain"), ("Kupit rikki", "upit"), ("Vihreä", "vihannes")])
def test_what_was_not_said_is_not_found(world: World, said: str, asked: str) -> None:
    told(world, said)
    assert found(world, asked) == []


def test_a_long_beginning_is_looked_for_when_the_word_itself_is_nowhere(world: World) -> None:
    whole, longer = told(world, "teekannun"), told(world, "teekannuntekijä")
    assert found(world, "teekannunte") == [longer]
    assert found(world, "teekannun") == [whole]
    assert found(world, "teekan") == [longer, whole]
    with world.scope():  # the pages of one question agree
        assert queries.said(world.shop, "teekannun", whole).hits == []
        assert [hit.message_id for hit in queries.said(world.shop, "teekannun", longer).hits] == [whole]


def test_the_newest_come_first_twenty_at_a_time(world: World) -> None:
    shopper = Shopper(world)
    posted: Any = conversations.post_many([shopper.says(f"kuppi {number}") for number in range(45)])
    catch_up()
    numbers, pages, before = [], 0, None
    with world.scope():
        while pages == 0 or before:
            page = queries.said(world.shop, "kuppi", before)
            numbers += [hit.message_id for hit in page.hits]
            pages, before = pages + 1, page.next
    assert (numbers, pages) == (sorted((one.message_id for one in posted), reverse=True), 3)


def test_a_common_word_and_a_rare_one_are_read_in_both_ways(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sayings, "AMONG", 10)
    shopper = Shopper(world)
    first = told(world, "harvinainen kuppi")
    posted: Any = conversations.post_many([shopper.says("kuppi") for _ in range(30)])
    catch_up()
    assert found(world, "harvinainen") == [first]
    assert found(world, "kuppi") == [one.message_id for one in reversed(posted[10:])]


def test_nothing_of_another_shop_is_found(world: World, other_shop: World) -> None:
    theirs = told(other_shop, "yhteinen salaisuus")
    ours = told(world, "yhteinen kuppi")
    assert found(world, "yhteinen") == [ours]
    assert found(world, "salaisuus") == []
    assert found(other_shop, "yhteinen") == [theirs]
    assert found(world, f"{other_shop.shop.id:04x}:salaisuus") == []
    with world.scope():
        page = queries.said(world.shop, "yhteinen", theirs + 1_000)
    assert [hit.message_id for hit in page.hits] == [ours]


def test_an_entry_that_names_the_wrong_shop_shows_nothing(world: World, other_shop: World) -> None:
    theirs = told(other_shop, "salaisuus")
    Message.unscoped.filter(id=theirs).update(shop_id=world.shop.id)
    assert found(other_shop, "salaisuus") == []


def test_the_subject_is_found_with_the_first_message_and_follows_its_change(world: World) -> None:
    mail = world.conversation_with_ada(subject="Palautus tilaukselle 10482")
    with world.scope():
        posted = conversations.post(mail, body="Liitteenä kuitti.", client_id=uuid4(), by=world.by_mia)
        conversations.post(mail, body="Kiitos.", client_id=uuid4(), by=world.by_mia)
    catch_up()
    assert found(world, "10482") == [posted.message_id]
    with world.scope():
        conversations.set_subject(mail, subject="Vaihto", by=world.by_mia)
    catch_up()
    assert found(world, "10482") == []
    assert found(world, "vaihto") == [posted.message_id]


def test_what_is_taken_back_is_no_longer_found(world: World, letterbox: Letterbox) -> None:
    mail = world.conversation_with_ada(world.way_in("letters"))
    with world.scope():
        posted = conversations.reply(
            mail, body="Hupsista keikkaa", client_id=uuid4(), seen_seq=0, force=True, by=world.by_mia
        )
    catch_up()
    assert found(world, "hupsista") == [posted.message_id]
    with world.scope():
        conversations.take_back(Message.objects.get(id=posted.message_id), by=world.by_mia)
    assert found(world, "hupsista") == []
    catch_up()
    assert posted.message_id not in indexed()


def test_what_is_deleted_is_not_found_and_leaves_the_index(world: World) -> None:
    gone, kept = told(world, "kuppi yksi"), told(world, "kuppi kaksi")
    Conversation.unscoped.filter(messages=gone).delete()
    assert found(world, "kuppi") == [kept]
    assert indexed() == [gone, kept]
    after: int | None = 0
    while after is not None:
        after = indexing.drop_orphans(after, most=1)
    assert indexed() == [kept]


def test_a_step_that_dies_leaves_nothing_and_the_next_one_catches_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(world, "ennen")
    shopper = Shopper(world)
    conversations.post_many([shopper.says(f"kuppi {number}") for number in range(7)])
    before = SearchIndex.objects.values().get()
    write = indexing._write

    def die(*args: Any) -> None:
        write(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(indexing, "_write", die)
        with pytest.raises(KeyboardInterrupt):
            catch_up()
    assert SearchIndex.objects.values().get() == before
    assert len(indexed()) == 1
    catch_up(most=3)
    assert indexed() == sorted(Message.unscoped.values_list("id", flat=True))


def test_a_worker_that_was_overtaken_writes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told(world, "ennen")
    conversations.post_many([Shopper(world).says("kuppi")])
    texts = indexing._texts

    def overtake(messages: list[int]) -> Any:
        monkeypatch.setattr(indexing, "_texts", texts)
        assert catch_up() == 1
        return texts(messages)

    monkeypatch.setattr(indexing, "_texts", overtake)
    assert catch_up() == 0
    assert indexed() == sorted(Message.unscoped.values_list("id", flat=True))


def test_what_was_there_before_the_index_is_read_in_small_steps(world: World) -> None:
    shopper = Shopper(world)
    conversations.post_many([shopper.says(f"kuppi {number}") for number in range(10)])
    SearchIndex.objects.all().delete()
    steps = catch_up(most=4)
    conversations.post_many([shopper.says("uusi kuppi")])
    catch_up()
    assert steps == 3
    assert indexed() == sorted(Message.unscoped.values_list("id", flat=True))
    assert len(found(world, "kuppi")) == 11


def test_what_is_said_during_the_filling_is_indexed_once(world: World) -> None:
    shopper = Shopper(world)
    conversations.post_many([shopper.says(f"kuppi {number}") for number in range(6)])
    SearchIndex.objects.all().delete()
    assert indexing.index_more(2)
    conversations.post_many([shopper.says("kuppi välissä")])
    catch_up(most=2)
    assert indexed() == sorted(Message.unscoped.values_list("id", flat=True))


def test_another_analyser_makes_all_terms_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    message = told(world, "palautuksen")
    monkeypatch.setattr(indexing, "ANALYSER", ANALYSER + 1)
    monkeypatch.setattr(indexing, "terms", lambda text, language: {"aivan-muuta"})
    assert found(world, "palautus") == [message]
    catch_up()
    assert found(world, "palautus") == []
    assert found(world, "aivan-muuta") == [message]
    assert indexed() == [message]


def test_facts_that_were_thrown_away_unread_make_the_index_anew(world: World) -> None:
    told(world, "ennen")
    shopper = Shopper(world)
    conversations.post_many([shopper.says("kuppi"), shopper.says("kannu")])
    stream.publish()
    newest = Fact.objects.latest("id").id
    Delivery.objects.filter(fact_id__lt=newest).delete()
    Fact.objects.filter(id__lt=newest).delete()
    catch_up()
    assert indexed() == sorted(Message.unscoped.values_list("id", flat=True))


def test_nothing_to_do_writes_nothing(
    world: World, django_assert_num_queries: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(world, "kuppi")
    with django_assert_num_queries(2) as asked:
        assert indexing.index_more() is None
    assert [query["sql"][:6] for query in asked.captured_queries] == ["SELECT"] * 2
    mail = world.conversation_with_ada()
    stream.publish()
    before = SearchIndex.objects.values().get()
    assert indexing.index_more() is None
    assert SearchIndex.objects.values().get() == before
    monkeypatch.setattr(indexing, "WORTH_NOTING", 1)
    assert indexing.index_more() == 0
    assert SearchIndex.objects.get().position == stream.head()
    with world.scope():
        posted = conversations.post(mail, body="kannu", client_id=uuid4(), by=world.by_mia)
    catch_up()
    assert found(world, "kannu") == [posted.message_id]


@pytest.mark.parametrize("words", HOSTILE)
def test_no_question_breaks_the_search(world: World, words: str) -> None:
    told(world, "kiitos teestä")
    assert found(world, words) is not None
    if "\ud800" not in words:
        with world.scope():
            assert queries.search(world.shop, world.mia, words) == []


def test_matches_are_marked_in_the_part_that_is_shown() -> None:
    asked = question("tilaus kup")
    assert asked is not None
    assert [(piece.text, piece.is_match) for piece in asked.pieces("Missä Tilaukseni\nja <b>KUPIT</b> ovat?")] == [
        ("Missä ", False), ("Tilaukseni", True), (" ja <b>", False), ("KUPIT", True), ("</b> ovat?", False),
    ]  # fmt: skip
    far = "alku " * 500 + "tilaus " + "loppu " * 500
    shown = asked.pieces(far)
    assert [piece.text for piece in shown if piece.is_match] == ["tilaus"]
    assert shown[0].text.startswith("…alku")
    assert shown[-1].text.endswith("…")
    assert sum(len(piece.text) for piece in shown) <= 165
    assert asked.pieces("ei mitään") == ((("ei mitään"), False),)
    assert asked.pieces("") == ()


def test_a_long_message_costs_little_to_show() -> None:
    asked = question("tilaus")
    assert asked is not None
    assert asked.pieces("tila" * 1_000_000)[0].is_match is False
    assert not any(piece.is_match for piece in asked.pieces("tilapäinen " * 100_000))


def test_the_index_tells_nobody(world: World) -> None:
    told(world, "kuppi")
    facts = Fact.objects.count()
    SearchIndex.objects.all().delete()
    catch_up()
    assert Fact.objects.count() == facts
