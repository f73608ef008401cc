"""Why a backup was not made or not restored."""

from __future__ import annotations


class BackupProblem(Exception):
    """What is wrong and what to do about it, for the operator at the terminal."""
