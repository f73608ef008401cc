"""`tiski mail inspect`: one JSON object for every mail, whatever the bytes."""

import io
import json
import mailbox
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tiski.channels.email.inspect import inspect

MAILS = Path(__file__).parent / "mails"
KEYS = [
    "file",
    "from",
    "to",
    "subject",
    "date",
    "text",
    "visible_text",
    "html_safe",
    "attachments",
    "auto_submitted",
    "bounce",
    "errors",
]


def printed(*paths: Path | str) -> tuple[list[dict[str, Any]], int]:
    out = io.StringIO()
    code = inspect([str(path) for path in paths], out)
    return [json.loads(line) for line in out.getvalue().splitlines()], code


def test_a_reply_is_described_in_full() -> None:
    [described], code = printed(MAILS / "reply-gmail-sv.eml")

    assert code == 0
    assert list(described) == KEYS
    assert described == {
        "file": str(MAILS / "reply-gmail-sv.eml"),
        "from": "astrid@example.org",
        "to": ["tuki@teepuoti.example"],
        "subject": "Sv: Beställning 1043",
        "date": "2026-11-16T10:01:00+00:00",
        "text": "Hej!\n\nTack, paketet kom fram i dag.\n\nMed vänliga hälsningar\nAstrid Björk\n\n"
        "Den mån 16 nov. 2026 kl 11:40 skrev Teepuoti <tuki@teepuoti.example>:\n\n"
        "> Hej Astrid,\n>\n> Paketet skickades i går.",
        "visible_text": "Hej!\n\nTack, paketet kom fram i dag.",
        "html_safe": "",
        "attachments": [],
        "auto_submitted": False,
        "bounce": None,
        "errors": [],
    }


def test_a_bounce_is_described_with_its_reason() -> None:
    [described], _ = printed(MAILS / "bounce-postfix-hard.eml")

    assert described["auto_submitted"] is True
    assert described["bounce"] == {
        "status": "5.1.1",
        "hard": True,
        "recipient": "ada@example.org",
        "reason": "550 5.1.1 <ada@example.org>: Recipient address rejected: User unknown",
    }


def test_files_are_described_without_their_content() -> None:
    [described], _ = printed(MAILS / "new-attachments-fi.eml")

    assert described["attachments"][1] == {
        "name": "käyttöohje.pdf",
        "content_type": "application/pdf",
        "size": 9,
        "inline": False,
        "content_id": "",
    }


def test_the_whole_corpus_gives_one_object_a_file() -> None:
    files = sorted(MAILS.glob("*.eml"))

    described, code = printed(*files)

    assert code == 0
    assert [item["file"] for item in described] == [str(file) for file in files]
    assert all(list(item) == KEYS for item in described)


def test_a_missing_file_is_told_beside_the_others(tmp_path: Path) -> None:
    described, code = printed(tmp_path / "none.eml", MAILS / "own-loop.eml")

    assert [item["errors"] for item in described] == [["file_not_found"], []]
    assert described[0]["from"] is None
    assert code == 0


def test_when_nothing_can_be_read_the_exit_code_says_so(tmp_path: Path) -> None:
    described, code = printed(tmp_path / "none.eml", tmp_path, "a\0b")

    assert [item["errors"] for item in described] == [["file_not_found"], ["folder_empty"], ["file_unreadable"]]
    assert code == 1


@pytest.mark.parametrize(("name", "error"), [("broken-empty", "empty"), ("broken-binary", "not_a_mail")])
def test_what_is_no_mail_is_said_to_be_none(name: str, error: str) -> None:
    [described], code = printed(MAILS / f"{name}.eml")

    assert described["errors"] == [error]
    assert code == 0


def test_an_mbox_gives_an_object_for_each_of_its_mails(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    for name in ("reply-gmail-en", "own-loop", "new-attachments-fi"):
        box.add((MAILS / f"{name}.eml").read_bytes())
    box.add(b"From: ada@example.org\n\nHei\n\nFrom here on it is text\n")
    box.close()

    described, _ = printed(tmp_path / "box")

    assert [(item["file"], item["from"]) for item in described] == [
        (f"{tmp_path}/box#1", "ben@example.org"),
        (f"{tmp_path}/box#2", "Tuki@Teepuoti.example"),
        (f"{tmp_path}/box#3", "ada@example.org"),
        (f"{tmp_path}/box#4", "ada@example.org"),
    ]
    assert described[2]["attachments"][1]["size"] == 9
    assert described[3]["text"] == "Hei\n\nFrom here on it is text"


def test_an_mbox_of_one_is_named_like_a_file(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    box.add((MAILS / "own-loop.eml").read_bytes())
    box.close()

    described, _ = printed(tmp_path / "box")

    assert [(item["file"], item["subject"]) for item in described] == [(f"{tmp_path}/box", "Olemme saaneet viestisi")]


def test_a_maildir_gives_new_and_seen_mails(tmp_path: Path) -> None:
    folder = mailbox.Maildir(tmp_path / "mail")
    folder.add((MAILS / "own-loop.eml").read_bytes())
    seen = mailbox.MaildirMessage((MAILS / "reply-gmail-en.eml").read_bytes())
    seen.set_subdir("cur")
    folder.add(seen)

    described, _ = printed(tmp_path / "mail")

    assert {item["from"] for item in described} == {"Tuki@Teepuoti.example", "ben@example.org"}


def test_a_mail_is_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((MAILS / "own-loop.eml").read_bytes())))

    [described], _ = printed("-")

    assert (described["file"], described["subject"]) == ("-", "Olemme saaneet viestisi")


def test_a_file_name_that_is_no_text_is_printed_all_the_same(tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xe4.eml")
    Path(name).write_bytes(b"From: ada@example.org\n\nHei")

    [described], _ = printed(name)

    assert described["file"].endswith("/\ufffd.eml")
    assert described["text"] == "Hei"
