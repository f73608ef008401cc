"""Topics: what may be watched, who may watch it, and which facts change someone's rights. Packages plug in here."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from tiski.kernel.events.event import FactRow

from .principal import Principal

Allows = Callable[[Any, int | None], bool]
Raises = Callable[[FactRow], Iterable[str]]
SeqOf = Callable[[FactRow], tuple[str, int] | None]
KeyOf = Callable[[FactRow], int]

NAME = re.compile(r"([a-z][a-z_]{0,39})(?:-([0-9]{1,18}))?", re.ASCII)


class Topics:
    """The registry. A topic is a kind, `inbox`, or a kind and an id, `conversation-7`, always within one shop."""

    def __init__(self) -> None:
        self._allows: dict[str, Allows] = {}
        self._parents: defaultdict[str, list[str]] = defaultdict(list)
        self._raises: defaultdict[str, list[Raises]] = defaultdict(list)
        self._seqs: dict[str, SeqOf] = {}
        self._keys: dict[str, KeyOf] = {}
        self._turning: set[str] = set()

    def register_topic(self, kind: str, allows: Allows) -> None:
        """Let topics of this kind be watched by whom `allows(principal, id)` says; asked in a thread."""
        if kind in self._allows:
            raise ValueError(f"two plugs for the topic {kind}")
        self._allows[kind] = allows

    def register_parent(self, child: str, parent: str) -> None:
        """Tell news about `child-7` to watchers of `parent` as well, with 7 as the key."""
        self._parents[child].append(parent)

    def register_epoch(self, fact_name: str, raises: Raises) -> None:
        """After facts of this name the principals `raises(fact)` names are checked again before their next delivery."""
        self._raises[fact_name].append(raises)

    def register_seq(self, fact_name: str, seq_of: SeqOf) -> None:
        """Facts of this name say that a followed topic has reached a seq: `seq_of(fact)` is the topic and the seq."""
        self._seqs[fact_name] = seq_of

    def register_key(self, fact_name: str, key_of: KeyOf) -> None:
        """Facts of this name tell their own topic which row of a list has changed: `key_of(fact)`."""
        self._keys[fact_name] = key_of

    def register_turn(self, fact_name: str) -> None:
        """Facts of this name turn the state of what they are about: whether it is open, whose it is, what it is called.

        What shows only that (a header, counts) need not look again for every word that is said.
        """
        self._turning.add(fact_name)

    def kinds(self) -> list[str]:
        """Every kind that may be watched."""
        return sorted(self._allows)

    def allowed(self, principal: Principal, topics: Iterable[str]) -> set[str]:
        """Those of the topics the principal may watch; unknown ones are nobody's. Asks the database."""
        return {topic for topic in topics if self._allowed(principal, topic)}

    def told_by(self, subject: str) -> list[tuple[str, int | None]]:
        """The topics a fact about this subject is news to, with the key of the changed row."""
        found = NAME.fullmatch(subject)
        if found is None:
            return []
        kind, number = found.groups()
        return [(subject, None), *((parent, int(number) if number else None) for parent in self._parents.get(kind, ()))]

    def told(self, fact: FactRow) -> list[tuple[str, int | None]]:
        """The topics this fact is news to, with the key of the changed row."""
        key_of = self._keys.get(fact.name)
        if key_of is None:
            return self.told_by(fact.subject)
        return [(topic, key_of(fact) if key is None else key) for topic, key in self.told_by(fact.subject)]

    def turns(self, fact: FactRow) -> bool:
        """Whether this fact turns a state."""
        return fact.name in self._turning

    def raised_by(self, fact: FactRow) -> list[str]:
        """The principals whose rights this fact may have changed."""
        return [principal for raises in self._raises.get(fact.name, ()) for principal in raises(fact)]

    def seq_of(self, fact: FactRow) -> tuple[str, int] | None:
        """The followed topic this fact advances, and how far."""
        seq_of = self._seqs.get(fact.name)
        return seq_of(fact) if seq_of else None

    def _allowed(self, principal: Principal, topic: str) -> bool:
        found = NAME.fullmatch(topic)
        if found is None or found[1] not in self._allows:
            return False
        return self._allows[found[1]](principal, int(found[2]) if found[2] else None)
