"""`tiski backup` and `tiski restore`: what the operator types, reads, and is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tiski.kernel import keyfile

from . import environment, startup

KEY = "secret.key"
DATABASE = "tiski.sqlite3"


def back_up(file: Path) -> int:
    """Make a backup of the running or stopped instance; 1 when files were missing that rows speak of.

    In a folder the archive gets a name of its own, by the time in UTC, so that a timer can call it every night.
    """
    _refuse_an_absent_instance()
    startup.set_up()
    from django.conf import settings

    from tiski.kernel import backup, clock

    if file.is_dir():
        file /= f"tiski-{clock.now():%Y%m%dT%H%M%SZ}.tar"
    began = time.monotonic()
    try:
        manifest = backup.make(file.absolute(), _tell)
    except backup.BackupProblem as problem:
        return _refused(problem)
    rows = sum(manifest.tables.values())
    print(f"{file} holds {rows} rows and {len(manifest.files) - 1} files ({file.stat().st_size} bytes).")
    print(f"It took {time.monotonic() - began:.1f} s. The key is not in it: keep {settings.TISKI_KEY_FILE} elsewhere.")
    for blob_id in manifest.lost:
        print(f"tiski: the file {blob_id} is missing or damaged; its row was backed up without it.", file=sys.stderr)
    return 1 if manifest.lost else 0


def restore(file: Path, into: Path, *, database: str, key: Path | None) -> int:
    """Restore into an empty place and prove that it is whole. When it fails, nothing of it stays in the folder."""
    origin = dict(os.environ)
    into = into.absolute()
    _refuse_a_used_folder(into)
    began = time.monotonic()
    with _all_or_nothing(into, database):
        _take_the_key(into, key)
        os.environ["TISKI_DATA"], os.environ["TISKI_DATABASE_URL"] = str(into), database
        proof = _restore(file)
    seconds = time.monotonic() - began
    print(f"Restored into {into} and found whole, in {seconds:.1f} s. Start it with: tiski up --data {into}")
    if database:
        print("Start it with the TISKI_DATABASE_URL that was given as --database.")
    _tell_the_origin(origin, proof)
    return 0


def _restore(file: Path) -> str:
    startup.set_up()
    from tiski.conversations import actions as conversations
    from tiski.conversations import queries
    from tiski.kernel import backup

    try:
        with backup.opened(file) as archive:
            made_at = archive.manifest.made_at.isoformat(timespec="seconds")
            _tell(f"The backup is of {made_at}, by release {archive.manifest.release}. Seal and manifest are right.")
            backup.restore(archive, _tell)
            _tell("Bringing the schema up to date and checking what a start would check.")
            startup.prepare()
            files = backup.check_files(archive)
    except backup.BackupProblem as problem:
        raise SystemExit(_refused(problem)) from None
    holes = queries.with_holes()
    if holes:
        print(f"tiski: conversation {holes[0]} has a hole in its sequence. Use another backup.", file=sys.stderr)
        raise SystemExit(1)
    held = conversations.hold_after_restore()
    print(f"{sum(archive.manifest.tables.values())} rows, {files} files; every sequence without holes.")
    print(f"{held} messages that were on their way wait for a person: they may have been sent since the backup.")
    for blob_id in archive.manifest.lost:
        print(f"tiski: the file {blob_id} was missing already when the backup was made.", file=sys.stderr)
    return archive.manifest.born


def _refuse_an_absent_instance() -> None:
    elsewhere = {"TISKI_DATABASE_URL", "TISKI_DATABASE_URL_FILE"}.intersection(os.environ)
    if not elsewhere and not (_own_folder() / DATABASE).exists():
        raise environment.BadSetting(f"TISKI_DATA: there is no database in {_own_folder()}. Name it with --data.")


def _refuse_a_used_folder(into: Path) -> None:
    if into.exists() and not into.is_dir():
        raise environment.BadSetting(f"--into: {into} is no folder. Name a new one.")
    found = sorted(path.name for path in into.iterdir() if path.name != KEY) if into.exists() else []
    if found:
        raise environment.BadSetting(
            f"--into: {into} is not empty (it holds {found[0]}), and nothing is overwritten. Name a new folder."
        )


def _take_the_key(into: Path, key: Path | None) -> None:
    """The key of the instance that was backed up: named, lying in the place already, or this environment's own."""
    if keyfile.is_given():
        return
    target = into / KEY
    if target.exists() and key is None:
        return
    if target.exists():
        raise environment.BadSetting(f"--key: {target} is there already. Leave out --key, or take that file away.")
    source = key or _own_folder() / KEY
    if not source.exists():
        raise environment.BadSetting(
            f"--key: {source} is not there. The key file is backed up apart from the archive: name it with --key."
        )
    keyfile.adopt(target, source)


@contextmanager
def _all_or_nothing(into: Path, database: str) -> Iterator[None]:
    """What was begun is removed when it fails, but never what lay there before."""
    was_there = into.exists()
    before = set(into.iterdir()) if was_there else set()
    into.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        yield
    except BaseException:
        for path in set(into.iterdir()) - before:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not was_there:
            into.rmdir()
        if database:
            print("tiski: Before another try, make the database anew if it is not empty any more.", file=sys.stderr)
        raise


def _tell_the_origin(origin: dict[str, str], proof: str) -> None:
    """In a process of its own, because this one has the settings of the restored place."""
    data = Path(origin.get("TISKI_DATA") or "data").absolute()
    has_key = (data / KEY).exists() or keyfile.is_given()
    if has_key and ((data / DATABASE).exists() or origin.get("TISKI_DATABASE_URL")):
        command = [sys.executable, "-m", "tiski.config.proof", proof]
        subprocess.run(command, env=origin, check=False, stdout=subprocess.DEVNULL)


def _own_folder() -> Path:
    return Path(os.environ.get("TISKI_DATA") or "data").absolute()


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _refused(problem: Exception) -> int:
    print(f"tiski: {problem}", file=sys.stderr)
    return 1
