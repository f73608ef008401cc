"""Version floors: the offline half of auditing dependencies."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata

import django
from django.conf import settings
from django.utils.translation import gettext as _

from .problem import Problem

Version = tuple[int, ...]

PYTHON: Version = (3, 11, 2)
TESTED_PYTHON: Version = (3, 11)
# 3.7.0 to 3.51.2 can corrupt a WAL file that several connections write and checkpoint.
SQLITE: Version = (3, 51, 3)
# 5.2.13 fixed header spoofing by `_` for `-`, later ones fixed more; 5.3 has not been tried.
DJANGO: tuple[Version, Version] = ((5, 2, 19), (5, 3))
FLOORS: Mapping[str, Version] = {
    "cryptography": (50, 0),
    "django-allauth": (65, 21),
    "h11": (0, 16),
    "jinja2": (3, 1, 6),
    "msgspec": (0, 22),
    "nh3": (0, 3, 8),
    "orjson": (3, 13),
    "pillow": (13, 0),
    "uvicorn": (0, 54),
    "websockets": (17, 0),
}


def python(version: Version = sys.version_info[:3]) -> Iterator[Problem]:
    """Python is new enough."""
    if version < PYTHON:
        yield Problem(
            _("Python %(found)s is too old.") % {"found": _dotted(version)},
            _("Install Python %(floor)s or newer and make the environment again with `make install`.")
            % {"floor": _dotted(PYTHON)},
        )


def release_python(version: Version = sys.version_info[:3]) -> Iterator[Problem]:
    """Mail and address parsers change between versions, so another one than was tested is worth a line."""
    if version[:2] != TESTED_PYTHON:
        yield Problem(
            _("This release was tested on Python %(tested)s and runs on %(found)s.")
            % {"tested": _dotted(TESTED_PYTHON), "found": _dotted(version)},
            _("Nothing needs to be done; say so when you report a fault."),
        )


def libraries(installed: Mapping[str, str] | None = None) -> Iterator[Problem]:
    """Django and the other libraries with security history are at or above their floors."""
    found_django = django.VERSION[:3] if installed is None else _parsed(installed.get("django", ""))
    if not DJANGO[0] <= found_django < DJANGO[1]:
        yield _outdated("Django", _dotted(found_django), _dotted(DJANGO[0]))
    for name, floor in FLOORS.items():
        found = _installed(name) if installed is None else installed.get(name, "")
        if _parsed(found) < floor:
            yield _outdated(name, found or _("missing"), _dotted(floor))


def sqlite(version: Version | None = None) -> Iterator[Problem]:
    """The SQLite that Django really uses is one that cannot corrupt a shared WAL file."""
    if version is None:
        if not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
            return
        from django.db.backends.sqlite3.base import Database  # type: ignore[attr-defined]

        version = tuple(Database.sqlite_version_info)
    if version < SQLITE:
        yield Problem(
            _("SQLite %(found)s can damage the database when several processes use it.") % {"found": _dotted(version)},
            _("Run `make install`: it brings SQLite %(floor)s or newer in the package pysqlite3. Nothing was opened.")
            % {"floor": _dotted(SQLITE)},
        )


def _outdated(name: str, found: str, floor: str) -> Problem:
    return Problem(
        _("%(name)s is at version %(found)s, which has known faults or was never tried with Tiski.")
        % {"name": name, "found": found},
        _("Run `make install` to get %(name)s %(floor)s from the pinned list.") % {"name": name, "floor": floor},
    )


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _parsed(version: str) -> Version:
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in numbers[0].split(".")) if numbers else ()


def _dotted(version: Version) -> str:
    return ".".join(str(part) for part in version)
