"""From bytes to text: the order of channels.md 3.6, made for short Nordic messages with wrong or missing labels."""

import codecs
import re
from itertools import pairwise
from typing import NamedTuple

# Only plain character encodings: Python also knows "zlib", "idna" or "unicode_escape", and a mail may name those.
_READABLE_NAMES = """
    ascii utf-8 utf-7 utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be cp437 cp737 cp775 cp850 cp852 cp855 cp857
    cp858 cp861 cp862 cp863 cp865 cp866 cp869 cp874 cp932 cp949 cp950 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256
    cp1257 cp1258 iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10
    iso8859-11 iso8859-13 iso8859-14 iso8859-15 iso8859-16 koi8-r koi8-u mac-roman mac-iceland mac-latin2 mac-cyrillic
    mac-greek mac-turkish gb2312 gbk gb18030 big5 big5hkscs shift_jis shift_jis_2004 euc_jp iso2022_jp iso2022_jp_2
    iso2022_kr euc_kr hz ptcp154 tis-620
"""
_READABLE = frozenset(codecs.lookup(name).name for name in _READABLE_NAMES.split())
# Labels Python does not know, and subsets that senders fill with their superset's characters.
_MEANT = {
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
    "utf8mb4": "utf-8",
    "utf-8n": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "iso-8859-8-i": "iso8859-8",
    "ks_c_5601-1987": "cp949",
    "windows-874": "cp874",
    "x-sjis": "cp932",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 64 * 1024
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_NO_LETTERS = re.compile("[\x80-\x9f\ue000-\uf8ff]")
_BROKEN_UTF8 = re.compile("Ã[¤¶¥„–…]")
_EURO_AS_LATIN9 = re.compile(r"(?<=\d)¤|(?<=\d\s)¤|¤(?=\s?\d)")

_MAIN_LETTERS = frozenset("åäöéÅÄÖÉ")
_OTHER_LETTERS = frozenset("æøüðþšžõáíóúýÆØÜÐÞŠŽÕÁÍÓÚÝß")
# Low quotation marks are left out: in Nordic text those bytes are the ä and é of cp850.
_SIGNS = frozenset("–—‘’“”…•€£§°½¼¾²³©®™«»\xa0·´×±¤")


class Decoded(NamedTuple):
    """Text and how it was found; `uncertain` when the characters are a guess nobody should rely on."""

    text: str
    charset: str
    uncertain: bool = False
    mislabelled: bool = False
    repaired: bool = False


def decode(content: bytes, declared: str | None = None) -> Decoded:
    """Read bytes as text, believing the label only as far as the bytes bear it out."""
    named = _named(declared)
    if content.isascii() and b"\0" not in content and not _shifts(named):
        return Decoded(content.decode("ascii"), named or "ascii", mislabelled=bool(declared) and named is None)

    for mark, name in _MARKS:
        if content.startswith(mark) and (text := _strict(content, name)) is not None:
            return Decoded(text.removeprefix("\ufeff"), name)

    zeros = content.count(0) * 10 >= len(content) * 3
    if named and named != "ascii" and not (zeros and named in {"utf-8", "cp1252"}):
        text = _strict(content, named)
        if text is not None:
            return _mended(Decoded(text, named))
    return _mended(_undeclared(content, zeros)._replace(mislabelled=bool(declared) and named != "ascii"))


def clean(text: str) -> str:
    """Text fit for storing and showing: lines end in LF, no control characters, no halves of surrogate pairs."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _CONTROLS.search(text):
        text = _CONTROLS.sub(_visible, text)
    return text.replace("\x85", "\n") if "\x85" in text else text


def _visible(match: re.Match[str]) -> str:
    if match[0] == "\x0c":
        return "\n"
    return "\ufffd" if match[0] >= "\ud800" else ""


def _named(declared: str | None) -> str | None:
    if not declared:
        return None
    label = declared.strip().strip("\"'").lower()
    label = _MEANT.get(label, label)
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    name = _MEANT.get(name, name)
    return name if name in _READABLE else None


def _shifts(named: str | None) -> bool:
    """Whether ASCII bytes may mean something else in this encoding (plain ASCII is never UTF-16 or UTF-32)."""
    return named is not None and (named in {"utf-7", "hz"} or named.startswith("iso2022"))


def _strict(content: bytes, name: str) -> str | None:
    try:
        return content.decode(name)
    except (UnicodeError, ValueError):
        return None


def _undeclared(content: bytes, zeros: bool) -> Decoded:
    # Bytes of UTF-16 without accents are valid UTF-8 full of NULs, so the count of zeros is asked first.
    if zeros and (text := _strict(content, _byte_order(content))) is not None:
        return Decoded(text, _byte_order(content))
    if (text := _strict(content, "utf-8")) is not None:
        return Decoded(text, "utf-8")

    name = nordic_charset(content) or _statistical_guess(content)
    if name and (text := _strict(content, name)) is not None and not _NO_LETTERS.search(text):
        return Decoded(text, name)
    return Decoded(content.decode("cp1252", "replace"), "cp1252", uncertain=True)


def _byte_order(content: bytes) -> str:
    even, odd = content[0:_SAMPLE:2].count(0), content[1:_SAMPLE:2].count(0)
    return "utf-16-be" if even > odd else "utf-16-le"


def nordic_charset(content: bytes) -> str | None:
    """The encoding of Finnish or Swedish text among cp1252, cp850 and Mac Roman, or None when none of them looks right.

    A statistical detector needs whole sentences; "Tack så mycket" is too short for it. Here each foreign byte is scored
    by the letter it would become and by its neighbours.
    """
    sample = content[:_SAMPLE]
    scores = [(_score(sample.decode(name, "replace")) + bonus, name) for name, bonus in _CANDIDATES]
    best, name = max(scores)
    return name if best > 0 else None


# Mail without a label is nearly always cp1252, so a tie is its.
_CANDIDATES = (("cp1252", 0.9), ("cp850", 0.0), ("mac-roman", 0.0))
_FOREIGN = re.compile("[^\x00-\x7f]")


def _score(text: str) -> float:
    score = 0.0
    for match in _FOREIGN.finditer(text):
        character, at = match[0], match.start()
        preceding, following = text[max(at - 1, 0) : at], text[at + 1 : at + 2]
        before, after = preceding.isalpha(), following.isalpha()
        if character in _MAIN_LETTERS:
            # "éLé" and "kahviÖ" are no words: a capital after a small letter betrays a letter read wrongly.
            cased = f"{preceding}{character}{following}"
            fits = not any(left.islower() and right.isupper() for left, right in pairwise(cased))
            score += (2 if before or after else 0.5) if fits else -1
        elif character in _OTHER_LETTERS:
            score += 0.5
        elif character in _SIGNS:
            # An apostrophe belongs inside a word ("it’s"); other signs there betray a letter read wrongly.
            score += -2 if before and after and character != "’" else 1
        else:
            score -= 3
    return score


def _statistical_guess(content: bytes) -> str | None:
    # Imported late: few mails come this far and the models take memory.
    import chardet

    return _named(chardet.detect(content[:_SAMPLE])["encoding"])


def _mended(decoded: Decoded) -> Decoded:
    text = decoded.text
    if decoded.charset == "cp1252" and "¤" in text:
        decoded = decoded._replace(text=_EURO_AS_LATIN9.sub("€", text))
    if "Ã" not in text or not _BROKEN_UTF8.search(text):
        return decoded
    try:
        return decoded._replace(text=text.encode("cp1252").decode("utf-8"), repaired=True)
    except UnicodeError:
        return decoded
