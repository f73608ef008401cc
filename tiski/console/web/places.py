"""Addresses within the console: a page has a hundred of them, and `reverse` looks at all patterns each time."""

from __future__ import annotations

from functools import cache

from django.urls import reverse

_NUMBER = 9_000_001


def place(name: str, *parts: str | int) -> str:
    """The address of one of our views. The parts are keys, ids and names of views, which need no quoting."""
    return _form(name, tuple(type(part) is int for part in parts)).format(*parts)


@cache
def _form(name: str, are_numbers: tuple[bool, ...]) -> str:
    """The address with braces for its parts, found by reversing it once with parts that stand out."""
    parts = [_NUMBER + at if is_number else f"part-{at}-" for at, is_number in enumerate(are_numbers)]
    address = reverse(name, args=parts)
    for part in parts:
        address = address.replace(str(part), "{}", 1)
    return address
