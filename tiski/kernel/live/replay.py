"""What was missed: one query over the facts after a place in the publish sequence."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from tiski.kernel.events import stream
from tiski.kernel.events.event import FactRow

from .frames import News
from .topics import Topics

MOST_FACTS = 1000
FARTHEST = 50_000  # facts of all shops between then and now; past it even looking is too dear


@dataclass(frozen=True, slots=True)
class Missed:
    """The newest place in the sequence, and one news per changed topic and row, or that there were too many to tell."""

    head: int
    news: list[News] = field(default_factory=list)
    resync: bool = False


def since(topics: Topics, shop_id: int, watched: Collection[str], after: int | None) -> Missed:
    """What happened to the watched topics of a shop after a place; None asks only for the newest place."""
    head = stream.head()
    if after is None or after == head or not watched:
        return Missed(head)
    if not 0 <= after <= head or head - after > FARTHEST or after + 1 < stream.tail():
        return Missed(head, resync=True)
    facts = stream.after(after, MOST_FACTS + 1, shop_id=shop_id)
    if len(facts) > MOST_FACTS:
        return Missed(head, resync=True)
    return Missed(max(head, facts[-1].position if facts else 0), _news(topics, watched, facts))


def news_of(topics: Topics, fact: FactRow, topic: str, key: int | None) -> News:
    """The news a fact is to a topic; `key` is the changed row of a list."""
    return News(topic=topic, seq=fact.position, name=fact.name, key=key, ring=fact.ring, turns=topics.turns(fact))


def _news(topics: Topics, watched: Collection[str], facts: Iterable[FactRow]) -> list[News]:
    latest: dict[tuple[str, int | None], News] = {}
    for fact in facts:
        for topic, key in topics.told(fact):
            if topic in watched:
                earlier = latest.pop((topic, key), None)
                news = latest[topic, key] = news_of(topics, fact, topic, key)
                if earlier is not None:
                    news.ring, news.turns = news.ring or earlier.ring, news.turns or earlier.turns
    return list(latest.values())
