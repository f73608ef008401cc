"""What a shop's page downloads: joined, bare, small, and saying nothing that the config does not (widget.md 2)."""

from __future__ import annotations

import gzip
import re
import subprocess
from pathlib import Path

import orjson
import pytest
from django.utils import translation

from tiski.testing.needs import program
from tiski.ui import statics
from tiski.widget.look import Face, Look, Opening
from tiski.widget.texts import texts
from tiski.widget.web import modules
from tiski.widget.web.config import config_of

FOLDER = Path(modules.__file__).parents[1] / "static" / "widget"
SOURCES = sorted(FOLDER.glob("*.js"))
KB = 1024


def packed(content: bytes) -> int:
    return len(gzip.compress(content, 9))


def test_the_loader_is_at_most_5_kb() -> None:
    assert packed(modules.file(modules.LOADER)) <= 5 * KB


def test_the_panel_is_at_most_20_kb_and_its_style_3() -> None:
    style = packed(modules.file(modules.STYLE))
    assert style <= 3 * KB
    assert packed(modules.file(modules.PANEL)) + style <= 20 * KB


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_config_is_at_most_2_kb(language: str) -> None:
    people = tuple(Face(name, "a" * 32) for name in ("Mia", "Noor", "Aino"))
    look = Look(
        key="teepuoti", shop="Teepuoti", language="fi", logo="b" * 32, colour="#2f5d46", theme="auto", position="end",
        welcome={language: "Tervetuloa! " * 10}, people=people, opening=Opening(True, None, None, has_hours=True),
    )  # fmt: skip
    assert packed(orjson.dumps(config_of(look, language))) <= 2 * KB


@pytest.mark.parametrize("name", [modules.LOADER, modules.PANEL])
def test_what_is_joined_is_javascript(name: str, tmp_path: Path) -> None:
    script = tmp_path / (name if name == modules.LOADER else "panel.mjs")
    script.write_bytes(modules.file(name))
    checked = subprocess.run([program("node"), "--check", str(script)], capture_output=True, text=True, check=False)
    assert checked.stderr == ""


@pytest.mark.parametrize("name", [modules.LOADER, modules.PANEL])
def test_what_is_joined_imports_nothing_and_carries_no_comment(name: str) -> None:
    text = modules.file(name).decode()
    assert re.findall(r"^import |^\s*//|/\*\*", text, re.MULTILINE) == []


def test_the_loader_leaves_no_name_on_the_page() -> None:
    text = modules.file(modules.LOADER).decode()
    assert text.startswith('(() => {\n"use strict";\n')
    assert text.endswith("})();\n")
    assert re.findall(r"^export ", text, re.MULTILINE) == []


def test_addresses_change_with_the_content() -> None:
    assert modules.address(modules.PANEL) == f"/w/{statics.tree_hash()}/panel.js"


def test_every_text_the_scripts_ask_for_is_in_the_config_and_every_one_there_is_asked_for() -> None:
    asked: set[str] = set()
    for source in SOURCES:
        text = source.read_text()
        asked |= set(re.findall(r'\bt\("(\w+)"', text))
        asked |= set(re.findall(r"\.texts\.(\w+)", text))
        asked |= {f"back_day_{day}" for day in range(7)} if "back_day_$" in text else set()
    asked |= {"sending", "sent", "read"}  # a message's state names its words
    with translation.override("en"):
        assert set(texts()) == asked


def test_every_blank_of_a_text_is_filled_in_each_language() -> None:
    with translation.override("en"):
        english = texts()
    for language in ("fi", "sv"):
        with translation.override(language):
            told = texts()
        assert {name: blanks(words) for name, words in told.items()} == {
            name: blanks(words) for name, words in english.items()
        }


def blanks(words: str | list[str]) -> list[str]:
    return sorted(set(re.findall(r"%\(\w+\)s", "".join(words))))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_the_scripts_hold_no_html_and_evaluate_nothing(source: Path) -> None:
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\(\"style|cssText"
        r"|beforeunload|\"unload\"|for \([^)]* in "
    )
    assert re.findall(forbidden, source.read_text()) == []


@pytest.mark.parametrize("source", sorted(FOLDER.glob("panel.css")), ids=lambda source: source.name)
def test_sizes_do_not_hang_on_the_shops_root(source: Path) -> None:
    assert re.findall(r"[\d.]+rem\b", source.read_text()) == []
    assert "rem" not in re.findall(r"\d(rem)\b", (FOLDER / "launcher.js").read_text())
