"""What must hold before Tiski starts (security.md 3). Each problem names its remedy; `tiski check` runs the same list.

@checks.register
def limits_apply() -> Iterator[Problem]: ...     # a channel adds its own self-test, in its plugs
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from . import configuration, database, versions
from .database import note_release
from .problem import Problem

__all__ = ["Problem", "before_migrating", "note_release", "register", "run", "warnings"]

Check = Callable[[], Iterable[Problem]]

_CLOSED: tuple[Check, ...] = (
    versions.python,
    versions.libraries,
    versions.sqlite,
    configuration.secret_key,
    configuration.debug,
    configuration.addresses,
    configuration.networks,
    configuration.metrics_token,
    configuration.folders,
    configuration.admin,
)
_OPENED: tuple[Check, ...] = (
    database.reachable,
    database.on_a_local_disk,
    database.whole,
    database.not_too_new,
    database.durable,
)
_AFTER: tuple[Check, ...] = (database.keys_fit,)
_DEPLOY: tuple[Check, ...] = (configuration.public_address, configuration.mail)
_registered: dict[str, Check] = {}


def register(check: Check) -> Check:
    """Add a check of another package to every start; registering it again replaces it."""
    _registered[f"{check.__module__}.{getattr(check, '__qualname__', check)}"] = check
    return check


def before_migrating() -> list[Problem]:
    """What would make it wrong to touch the database: versions, configuration, disk, and the database's own state."""
    # An unsound SQLite or a wrong folder must not even open the database.
    return _found(_CLOSED) or _found(_OPENED)


def run(*, deploy: bool = False) -> list[Problem]:
    """Everything that keeps Tiski from starting; with `deploy` also what matters only on a public address."""
    # Without a sound database and its tables the later questions cannot be asked.
    early = before_migrating() or _found((database.migrated,))
    return early or _found((*_AFTER, *_registered.values(), *(_DEPLOY if deploy else ())))


def warnings() -> list[Problem]:
    """What is worth a line at the start and keeps nothing from starting."""
    return _found((versions.release_python,))


def _found(checks: Iterable[Check]) -> list[Problem]:
    return [problem for check in checks for problem in check()]
