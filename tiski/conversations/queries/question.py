"""What somebody looks for in messages: its terms, and where they stand in a text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

from tiski.kernel import terms
from tiski.kernel.text import clean_line

MOST_WORDS = 8
SHORTEST_BEGINNING = 3
LONGEST_LISTED = 6
"""Beginnings of three to six letters have lists of their own in SQLite's index."""
AROUND = 160
"""So many characters of a message are shown, of which these come before the first match."""
BEFORE = 50
MOST_LOOKED_AT = 200
"""Places in one text that begin like a match and are looked at; a match farther on is not marked."""


class Piece(NamedTuple):
    """A part of a text that is shown, and whether it is what was looked for."""

    text: str
    is_match: bool


@dataclass(frozen=True, slots=True)
class Sought:
    """One word: any of its terms will do, or a word with this beginning (empty: none)."""

    terms: frozenset[str]
    beginning: str


@dataclass(frozen=True, slots=True)
class Question:
    """Words that must all be in a message. `places` finds what may be one of them in a text."""

    words: tuple[Sought, ...]
    places: re.Pattern[str]

    @property
    def has_long_beginning(self) -> bool:
        """Whether no index holds a list of the words that begin like the last one."""
        return len(self.words[-1].beginning) > LONGEST_LISTED

    def whole(self) -> Question:
        """The same with whole words alone."""
        return Question(tuple(Sought(each.terms, "") for each in self.words), self.places)

    def pieces(self, text: str, longest: int = AROUND) -> tuple[Piece, ...]:
        """A line of the text with its matches: the part around the first of them, or the beginning."""
        text = unicodedata.normalize("NFC", text[: terms.LONGEST_TEXT])
        found = next((place for place in self._places(text) if self._is_match(place[0])), None)
        line = _line(text, found.start() if found else 0, longest)
        pieces, end = [], 0
        for place in self._places(line):
            if self._is_match(place[0]):
                pieces += [Piece(line[end : place.start()], False), Piece(place[0], True)]
                end = place.end()
        return tuple(piece for piece in [*pieces, Piece(line[end:], False)] if piece.text)

    def _places(self, text: str) -> list[re.Match[str]]:
        places = self.places.finditer(text)
        return [place for place, _number in zip(places, range(MOST_LOOKED_AT), strict=False)]

    def _is_match(self, word: str) -> bool:
        whole = terms.folded(word)
        made = {whole, *terms.stems(whole)}
        return any(made & each.terms or (each.beginning and whole.startswith(each.beginning)) for each in self.words)


def question(text: str) -> Question | None:
    """Understand what was typed; None when there is no word in it. The last word may be the beginning of one."""
    folded = [word for word in map(terms.folded, terms.words(text)) if word][:MOST_WORDS]
    if not folded:
        return None
    last = folded[-1] if len(folded[-1]) >= SHORTEST_BEGINNING and text[-1:].isalnum() else ""
    sought = [Sought(frozenset({word, *terms.stems(word)}), "") for word in folded]
    sought[-1] = Sought(sought[-1].terms, last)
    roots = sorted({re.escape(_root(word, each)) for word, each in zip(folded, sought, strict=True)})
    return Question(tuple(sought), re.compile(rf"(?<![^\W_])(?:{'|'.join(roots)})[^\W_]*", re.IGNORECASE))


def _root(word: str, sought: Sought) -> str:
    """How every form of the word begins."""
    shared = takewhile(lambda letters: len(set(letters)) == 1, zip(word, *sought.terms, strict=False))
    root = "".join(letters[0] for letters in shared)
    return root if len(root) > 1 else word


def _line(text: str, at: int, longest: int) -> str:
    begin = max(0, at - BEFORE)
    if begin:
        space = text.find(" ", begin, at)
        begin = space + 1 if space >= 0 else at
    part = " ".join(text[begin : begin + 2 * longest].split())
    if not part.isprintable():
        part = clean_line(part, longest=2 * longest)
    short = part if len(part) <= longest else part[:longest].rsplit(" ", 1)[0]
    is_cut = len(short) < len(part) or begin + 2 * longest < len(text)
    return f"{'…' if begin else ''}{short}{'…' if is_cut else ''}"
