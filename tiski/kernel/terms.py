"""What a text is found by: words folded, with their stems, for the index and for the question alike.

`ANALYSER` is the version of what is made here. It stands beside every index, which is built anew when it changes.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

import Stemmer

ANALYSER = 1
LANGUAGES = {"fi": "finnish", "sv": "swedish", "en": "english"}
LONGEST_TEXT = 50_000
"""So many characters of one text are read."""
LONGEST_WORD = 40
"""Longer words are cut, in the index and in the question."""
SHORTEST_STEMMED = 3

# Letters and digits of any script; a hyphen or an apostrophe only between them. `DHL:n` ends at its colon.
WORD = re.compile(r"[^\W_]+(?:[-‐‑’'][^\W_]+)*(?::[^\W\d_]+(?![\w:/]))?")
_JOINTS = re.compile(r"[-‐‑’']")
# `palautus`, `palautuksen` and `palautusta` leave three Finnish stems, of which this is what they share.
_FINNISH_S = re.compile(r"(?<=[uyoö])k?s$")
_NORDIC = frozenset("åäö")
_ours = threading.local()  # a stemmer is not shared between threads


def terms(text: str, language: str) -> set[str]:
    """The terms by which a text in a language (`fi`, `sv-FI`, or one that is not known) is found."""
    found: set[str] = set()
    for match in WORD.finditer(unicodedata.normalize("NFC", text[:LONGEST_TEXT])):
        found.update(_of_word(match[0], language[:2]))
    return found


def words(text: str) -> list[str]:
    """The words of a question as they were typed, in order."""
    return WORD.findall(unicodedata.normalize("NFC", text))


def folded(word: str) -> str:
    """A word as it is compared: case and foreign accents do not matter, å, ä and ö do. Empty where nothing is left."""
    word = word.partition(":")[0].casefold()
    if not word.isascii():
        word = _without_accents(word)
    return word.replace("'", "-")[:LONGEST_WORD]


@lru_cache(maxsize=20_000)
def stems(word: str, languages: tuple[str, ...] = tuple(LANGUAGES)) -> frozenset[str]:
    """The stems of a folded word in these languages."""
    if len(word) < SHORTEST_STEMMED or any(map(str.isdigit, word)):
        return frozenset()
    return frozenset(_stem(word, language) for language in languages if language in LANGUAGES)


@lru_cache(maxsize=20_000)
def _of_word(word: str, language: str) -> tuple[str, ...]:
    whole = folded(word)
    parts = {whole, *_JOINTS.split(whole)} - {""}
    return tuple(sorted(parts.union(*(stems(part, (language,)) for part in parts))))


def _without_accents(word: str) -> str:
    """`café` as `cafe`; what is left is letters and digits of any script, and the joints between them as hyphens."""
    letters = []
    for letter in _JOINTS.sub("-", word):
        kept = letter if letter in _NORDIC else unicodedata.normalize("NFKD", letter)
        letters += [sign for sign in kept if sign == "-" or sign.isalnum()]
    return "".join(letters).casefold()


def _stem(word: str, language: str) -> str:
    stemmers = _ours.__dict__
    if language not in stemmers:
        stemmers[language] = Stemmer.Stemmer(LANGUAGES[language])
    stem = str(stemmers[language].stemWord(word))
    return _FINNISH_S.sub("", stem) if language == "fi" and len(stem) > SHORTEST_STEMMED + 1 else stem
