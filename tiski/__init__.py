"""Tiski: the service counter of an online store.

Importing the package replaces the standard library's `sqlite3` by `pysqlite3`, before Django can load it: SQLite
3.7.0-3.51.2 can corrupt a WAL file that two processes share, and distributions still carry those versions.
"""

import sys

import pysqlite3
import pysqlite3.dbapi2

__version__ = "0.1.0"

sys.modules["sqlite3"] = pysqlite3
sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2
