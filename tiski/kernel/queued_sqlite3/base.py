"""Django's SQLite backend, whose writers wait in `turns` before they ask for the write lock."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

from .turns import Turns, line_before

DEFAULT_PATIENCE = 5.0
# Whoever waits for another process looks often at first: SQLite's own sleep grows to a tenth of a second.
LOOKS_OFTEN, OFTEN, SELDOM = 0.2, 0.001, 0.010

_writes = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE).match


@lru_cache(1024)
def _with_question_marks(query: str) -> str:
    return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")


class Cursor(base.SQLiteCursorWrapper):
    """Takes a turn for each statement that writes outside a transaction."""

    database: DatabaseWrapper

    def execute(self, query: str, params: Any = None) -> Any:
        """As Django's."""
        return self._in_turn(super().execute, query, params)

    def executemany(self, query: str, param_list: Any) -> Any:
        """As Django's."""
        return self._in_turn(super().executemany, query, param_list)

    def convert_query(self, query: str, *, param_names: Any = None) -> str:
        """As Django's, which goes through the whole text of a statement each time it is asked."""
        if param_names is not None:
            return str(super().convert_query(query, param_names=param_names))
        return _with_question_marks(query)

    def _in_turn(self, run: Callable[[str, Any], Any], query: str, params: Any) -> Any:
        if self.database.in_atomic_block or not _writes(query):
            return run(query, params)
        with self.database.turn():
            return run(query, params)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that holds its turn from before BEGIN until after COMMIT, ROLLBACK or its end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._line: Turns | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have the turn for one statement; raises `OperationalError` when it does not come in time."""
        if self._line is not None:
            yield
            return
        self._take(self._patience())
        try:
            yield
        finally:
            self._pass_on()

    def create_cursor(self, name: Any = None) -> Any:
        """A cursor of this connection."""
        cursor = self.connection.cursor(factory=Cursor)
        cursor.database = self
        return cursor

    def _start_transaction_under_autocommit(self) -> None:
        patience = self._patience()
        deadline = time.monotonic() + patience
        self._take(patience)
        try:
            self._begin(deadline)
        except BaseException:
            self._pass_on()
            raise

    def _begin(self, deadline: float) -> None:
        """Ask for the write lock until it comes: in what is left of the time, and without SQLite's own sleep."""
        began = time.monotonic()
        self._sleep_in_sqlite(0)
        try:
            while True:
                try:
                    super()._start_transaction_under_autocommit()  # type: ignore[misc]
                    return
                except OperationalError as error:
                    now = time.monotonic()
                    if getattr(error.__cause__, "sqlite_errorname", "") != "SQLITE_BUSY" or now >= deadline:
                        raise
                time.sleep(OFTEN if now - began < LOOKS_OFTEN else SELDOM)
        except BaseException:
            self._sleep_in_sqlite(self._patience())
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._end_of_turn()

    def _rollback(self) -> None:
        super()._rollback()  # type: ignore[misc]
        self._end_of_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._pass_on()

    def _take(self, seconds: float) -> None:
        line = line_before(str(self.settings_dict["NAME"]))
        if not line.take(seconds):
            raise OperationalError("database is locked: others of this process were before in line")
        self._line = line

    def _end_of_turn(self) -> None:
        if self._line is not None:
            self._pass_on()
            self._sleep_in_sqlite(self._patience())

    def _pass_on(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.pass_on()

    def _sleep_in_sqlite(self, seconds: float) -> None:
        if self.connection is not None:
            self.connection.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")

    def _patience(self) -> float:
        return float(self.settings_dict["OPTIONS"].get("timeout", DEFAULT_PATIENCE))
