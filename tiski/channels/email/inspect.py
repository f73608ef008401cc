"""`tiski mail inspect`: what the receiver would make of mails in files, one JSON object a line.

It asks the very child that reads received mail, so what is printed here is what a conversation would show.
"""

import mmap
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TextIO

import msgspec

from tiski.channels.email.child import ParserChild, Unparseable
from tiski.channels.email.parsing import limits
from tiski.channels.email.parsing.model import Kind, Parsed

STDIN = "-"
_MBOX_LINE = re.compile(rb"(?:\A|\n\r?\n)From [^\r\n]{0,1000}\d\d:\d\d[^\r\n]{0,1000}\r?\n")
_MBOX_QUOTED = re.compile(rb"^>(>{0,100}From )", re.MULTILINE)
_NOTHING: dict[str, Any] = {
    "from": None,
    "to": [],
    "subject": "",
    "date": None,
    "text": "",
    "visible_text": "",
    "html_safe": "",
    "attachments": [],
    "auto_submitted": False,
    "bounce": None,
}


class _Item(NamedTuple):
    """One mail to inspect, or the reason it could not be read."""

    file: str
    raw: bytes
    problem: str = ""


def inspect(paths: Iterable[str], out: TextIO) -> int:
    """Print one object per mail of files, mbox files, Maildir folders and "-"; 0 unless nothing could be read."""
    readable = False
    with ParserChild() as child:
        for path in paths:
            for item in _items(path):
                readable = readable or not item.problem
                out.write(msgspec.json.encode(_described(item, child)).decode("utf-8") + "\n")
                out.flush()
    return 0 if readable else 1


def _described(item: _Item, child: ParserChild) -> dict[str, Any]:
    if item.problem:
        return {"file": item.file, **_NOTHING, "errors": [item.problem]}
    try:
        parsed = child.parse(item.raw)
    except Unparseable as problem:
        return {"file": item.file, **_NOTHING, "errors": [problem.reason]}
    return {"file": item.file, **_facts(parsed)}


def _facts(parsed: Parsed) -> dict[str, Any]:
    bounce = parsed.bounce
    return {
        "from": parsed.sender.address if parsed.sender else None,
        "to": [address.address for address in parsed.to],
        "subject": parsed.subject,
        "date": parsed.date.isoformat() if parsed.date else None,
        "text": parsed.text,
        "visible_text": parsed.visible_text,
        "html_safe": parsed.html_safe,
        "attachments": [
            {
                "name": attachment.name,
                "content_type": attachment.content_type,
                "size": attachment.size,
                "inline": attachment.inline,
                "content_id": attachment.content_id,
            }
            for attachment in parsed.attachments
        ],
        "auto_submitted": parsed.kind is not Kind.HUMAN,
        "bounce": bounce
        and {
            "status": bounce.status or None,
            "hard": bounce.hard,
            "recipient": bounce.recipient,
            "reason": bounce.reason,
        },
        "errors": list(parsed.errors),
    }


def _items(path: str) -> Iterator[_Item]:
    # A name may hold bytes that are no text; what is printed must be.
    shown = os.fsencode(path).decode("utf-8", "replace")
    try:
        if path == STDIN:
            yield from _mails(shown, sys.stdin.buffer)
            return
        if Path(path).is_dir():
            yield from _folder(Path(path))
            return
        with Path(path).open("rb") as file:
            yield from _mails(shown, file)
    except FileNotFoundError:
        yield _Item(shown, b"", "file_not_found")
    except (OSError, ValueError):
        yield _Item(shown, b"", "file_unreadable")


def _folder(folder: Path) -> Iterator[_Item]:
    """A Maildir's mails, or the files of any other folder."""
    maildir = [folder / name for name in ("new", "cur") if (folder / name).is_dir()]
    found = sorted(file for place in maildir or [folder] for file in place.iterdir() if file.is_file())
    for file in found:
        yield from _items(str(file))
    if not found:
        yield _Item(os.fsencode(folder).decode("utf-8", "replace"), b"", "folder_empty")


def _mails(shown: str, file: BinaryIO) -> Iterator[_Item]:
    start = file.read(5)
    if start != b"From ":
        yield _Item(shown, start + file.read(limits.RAW_BYTES + 1))
        return
    if file is sys.stdin.buffer:
        yield from _mbox(shown, start + file.read())
        return
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        yield from _mbox(shown, mapped)


def _mbox(shown: str, box: bytes | mmap.mmap) -> Iterator[_Item]:
    """The mails between "From " lines; numbered from 1 when there are several."""
    begins = [(match.start(), match.end()) for match in _MBOX_LINE.finditer(box)]
    if len(begins) < 2:
        yield _Item(shown, _MBOX_QUOTED.sub(rb"\1", box[: limits.RAW_BYTES + 1]))
        return
    # The line end before the blank line is still the mail's own.
    ends = [start + 1 for start, _ in begins[1:]] + [len(box)]
    for number, ((_, start), end) in enumerate(zip(begins, ends, strict=True), 1):
        raw = box[start : min(end, start + limits.RAW_BYTES + 1)]
        yield _Item(f"{shown}#{number}", _MBOX_QUOTED.sub(rb"\1", raw))
