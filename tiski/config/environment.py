"""Typed readings of the environment that fail loudly. `NAME_FILE` names a file holding the value, for secrets."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Value = TypeVar("Value")


class BadSetting(Exception):
    """A setting cannot be read; the sentence names it and says what is expected."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What an operator may set: its name, its default as shown in the reference, and what it means."""

    name: str
    default: str
    meaning: str


settings: dict[str, Setting] = {}


def text(name: str, default: str, meaning: str) -> str:
    """A string."""
    return _read(name, default, meaning, str, expected="text")


def number(name: str, default: int, meaning: str) -> int:
    """A whole number."""
    return _read(name, str(default), meaning, int, expected="a whole number")


def switch(name: str, *, default: bool, meaning: str) -> bool:
    """Yes or no."""
    return _read(name, "yes" if default else "no", meaning, _yes_or_no, expected="yes or no")


def several(name: str, default: str, meaning: str) -> list[str]:
    """A comma-separated list."""
    return _read(
        name, default, meaning, lambda raw: [part.strip() for part in raw.split(",") if part.strip()], expected="a list"
    )


def folder(name: str, default: str, meaning: str) -> Path:
    """An absolute path; relative ones are taken from the working directory."""
    return _read(name, default, meaning, lambda raw: Path(raw).expanduser().absolute(), expected="a folder")


def _read(name: str, default: str, meaning: str, convert: Callable[[str], Value], *, expected: str) -> Value:
    settings[name] = Setting(name, default, meaning)
    raw = os.environ.get(name)
    file = os.environ.get(f"{name}_FILE")
    if raw is None and file:
        try:
            raw = Path(file).read_text().strip()
        except OSError as error:
            raise BadSetting(
                f"{name}_FILE={file} cannot be read: {error.strerror}. Check the path and its mode."
            ) from error
    try:
        return convert(default if raw is None else raw)
    except ValueError as error:
        raise BadSetting(
            f"{name}={raw!r} is not {expected}. Correct it or leave it out for the default {default!r}."
        ) from error


def _yes_or_no(raw: str) -> bool:
    answers = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}
    if raw.lower() not in answers:
        raise ValueError(raw)
    return answers[raw.lower()]
