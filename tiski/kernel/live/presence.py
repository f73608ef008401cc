"""Presence: who is at a topic now, and who is writing. Never stored, and lost without harm.

Within a process a change is told at once. Between processes it travels as a small hint on the bus and fades when it is
not repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from .door import Session
from .frames import Present
from .wire import text_frame

WRITING_SECONDS = 8.0
ELSEWHERE_SECONDS = 60.0
REPEAT_SECONDS = 25.0
MOST_TOPICS = 8  # one session may be at

Place = tuple[int, str]
Audience = Callable[[int, str], Iterable[Session[Any]]]


@dataclass(slots=True)
class Entry:
    """One socket's presence at a place. `until` ends the writing, or a stay in another process."""

    who: Present
    until: float


class Elsewhere(msgspec.Struct, array_like=True):
    """Presence as processes tell each other: at most a few hundred bytes."""

    process: str
    shop_id: int
    topic: str
    who: Present
    gone: bool


class Presence:
    """Everyone present, by place and by socket (or by process and person, for those elsewhere)."""

    def __init__(self, audience: Audience) -> None:
        """`audience` names the sessions that see a topic. `tell_elsewhere` is set where processes can talk."""
        self.tell_elsewhere: Callable[[Elsewhere], None] | None = None
        self.process = ""
        self._audience = audience
        self._entries: dict[Place, dict[Any, Entry]] = {}
        self._places: dict[Any, set[Place]] = {}

    def here(self, session: Session[Any], topic: str, *, viewing: bool = True, writing: bool = False) -> None:
        """The session's person is at the topic; `writing` fades after 8 s unless it is said again."""
        place = session.principal.shop_id, topic
        places = self._places.setdefault(session, set())
        if place not in places and len(places) >= MOST_TOPICS:
            return
        until = asyncio.get_running_loop().time() + WRITING_SECONDS
        who = Present(id=session.principal.id, name=session.principal.name, viewing=viewing, writing=writing)
        self._enter(session, place, Entry(who, until))

    def away(self, session: Session[Any], topic: str) -> None:
        """The session's person has left the topic."""
        self._remove(session, (session.principal.shop_id, topic))

    def leave(self, session: Session[Any]) -> None:
        """The session is gone, from everywhere."""
        for place in list(self._places.get(session, ())):
            self._remove(session, place)

    def who(self, shop_id: int, topic: str) -> list[Present]:
        """Everyone at a topic, each person once however many windows they have open."""
        people: dict[str, Present] = {}
        for entry in self._entries.get((shop_id, topic), {}).values():
            one = people.setdefault(entry.who.id, Present(id=entry.who.id, name=entry.who.name))
            one.viewing = one.viewing or entry.who.viewing
            one.writing = one.writing or entry.who.writing
        return list(people.values())

    def show(self, session: Session[Any], topic: str) -> None:
        """Tell one session who is at a topic, when it comes to it."""
        shop_id = session.principal.shop_id
        payload = session.door.draw_now(topic, self.who(shop_id, topic))
        if payload is not None:
            session.hint(text_frame(payload))

    def heard_from_elsewhere(self, news: Elsewhere, now: float) -> None:
        """Another process says who is there."""
        if news.process == self.process:
            return
        key, place = (news.process, news.who.id), (news.shop_id, news.topic)
        if news.gone:
            self._remove(key, place)
        else:
            self._enter(key, place, Entry(news.who, now + ELSEWHERE_SECONDS))

    def fade(self, now: float) -> None:
        """End writing that was not repeated and stays elsewhere that were not confirmed; called every second."""
        for place, entries in list(self._entries.items()):
            for key, entry in list(entries.items()):
                if entry.until > now:
                    continue
                if isinstance(key, tuple) or not entry.who.viewing:
                    self._remove(key, place)
                elif entry.who.writing:
                    self._enter(key, place, Entry(msgspec.structs.replace(entry.who, writing=False), now))

    def repeat(self) -> None:
        """Confirm to other processes who is here; called every 25 s."""
        for (shop_id, topic), entries in self._entries.items():
            for key, entry in entries.items():
                if not isinstance(key, tuple):
                    self._export((shop_id, topic), entry.who, gone=False)

    def _enter(self, key: Any, place: Place, entry: Entry) -> None:
        entries = self._entries.setdefault(place, {})
        earlier = entries.get(key)
        entries[key] = entry
        self._places.setdefault(key, set()).add(place)
        if earlier is None or earlier.who != entry.who:
            self._tell(place)
            if not isinstance(key, tuple):
                self._export(place, entry.who, gone=False)

    def _remove(self, key: Any, place: Place) -> None:
        entry = self._entries.get(place, {}).pop(key, None)
        if entry is None:
            return
        if not self._entries[place]:
            del self._entries[place]
        self._places[key].discard(place)
        if not self._places[key]:
            del self._places[key]
        self._tell(place)
        if not isinstance(key, tuple):
            self._export(place, entry.who, gone=True)

    def _tell(self, place: Place) -> None:
        who = self.who(*place)
        drawn: dict[Any, bytes | None] = {}
        for session in self._audience(*place):
            door = session.door
            if door not in drawn:
                payload = door.draw_now(place[1], who)
                drawn[door] = text_frame(payload) if payload is not None else None
            frame = drawn[door]
            if frame is not None and session.is_current:
                session.hint(frame)

    def _export(self, place: Place, who: Present, *, gone: bool) -> None:
        if self.tell_elsewhere is not None:
            self.tell_elsewhere(Elsewhere(self.process, *place, who, gone))
