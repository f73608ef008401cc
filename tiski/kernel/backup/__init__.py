"""Backups: one archive of database and files with a sealed list of hashes, and the way back into an empty place.

made = backup.make(Path("tiski.tar"))                      # while everything runs
with backup.opened(Path("tiski.tar")) as archive:          # refuses what was changed, cut off or made by someone else
    backup.restore(archive)                                # into the empty place that the settings name

The archive is a plain tar: `database.sqlite3` or `database.pgdump`, `blobs/..`, `manifest.json`, `seal`. The database
is copied first and the files afterwards, which linger after their deletion longer than that takes. The key file is not
in it: whoever finds the archive must not find the key beside it. Other tools read it as well: `tar tf`, `pg_restore`.
"""

from __future__ import annotations

from .archive import Archive, Manifest, opened
from .making import make
from .problem import BackupProblem
from .restoring import check_files, restore

__all__ = ["Archive", "BackupProblem", "Manifest", "check_files", "make", "opened", "restore"]
