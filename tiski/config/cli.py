"""The `tiski` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tiski.kernel.keyfile import KeyFileProblem

from . import environment


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: its words, its meaning, its arguments and what it does."""

    words: str
    meaning: str
    run: Callable[[argparse.Namespace], int]
    arguments: Callable[[argparse.ArgumentParser], None] = lambda parser: None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; refusals and bad settings end in one clear sentence and exit code 1 or 2."""
    arguments = parser().parse_args(argv)
    _set_environment(arguments)
    try:
        return int(arguments.command.run(arguments))
    except (environment.BadSetting, KeyFileProblem) as error:
        print(f"tiski: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """The whole command line, for running and for the reference."""
    root = argparse.ArgumentParser(prog="tiski", description="The service counter of an online store.")
    root.add_argument("--version", action="version", version=_version())
    levels: dict[str, argparse._SubParsersAction[argparse.ArgumentParser]] = {"": root.add_subparsers(required=True)}
    for command in commands():
        *above, last = command.words.split()
        level = levels.get(" ".join(above))
        if level is None:
            group = levels[""].add_parser(" ".join(above), help=f"{' '.join(above)} commands")
            level = levels[" ".join(above)] = group.add_subparsers(required=True)
        sub = level.add_parser(last, help=command.meaning, description=command.meaning)
        sub.add_argument("--data", type=Path, help="data folder (TISKI_DATA)")
        command.arguments(sub)
        sub.set_defaults(command=command)
    return root


def commands() -> list[Command]:
    """Every command, in the order of the reference."""
    return [
        Command("up", "Start everything on one port; create what is missing.", _up, _listening),
        Command("web", "Start the half that answers pages and forms.", _web, _listening),
        Command("live", "Start the half that holds WebSockets and stores chat messages.", _live, _listening),
        Command("worker", "Start the half that delivers events, reads mailboxes and sends.", _worker),
        Command("check", "Check what a start would check, without starting.", _check, _checking),
        Command("migrate", "Bring the database to this version's schema.", _migrate),
        Command(
            "mail inspect", "Print one JSON object per raw message, as received mail is read.", _inspect, _inspecting
        ),
        Command("backup", "Write database and files, without the key, into one sealed archive.", _back_up, _backing_up),
        Command("restore", "Restore an archive into an empty place and prove that it is whole.", _restore, _restoring),
        Command("keys rotate", "Make a new master key and wrap every shop's key with it.", _rotate_keys),
        Command("audit verify", "Walk the audit log's chain of hashes.", _verify_audit),
    ]


def _listening(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--host", help="address to listen on (TISKI_HOST)")
    sub.add_argument("--port", type=int, help="port to listen on (TISKI_PORT)")


def _checking(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--deploy", action="store_true", help="also what matters only on a public address")


def _inspecting(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("files", nargs="+", metavar="FILE", help="raw message, mbox or Maildir; - reads standard input")
    sub.add_argument("--jsonl", action="store_true", help="one JSON object per line (the default and only format)")


def _backing_up(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="the archive to write, never over another; in a folder it is named by the time",
    )


def _restoring(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("file", type=Path, metavar="FILE", help="the archive to read")
    sub.add_argument("--into", type=Path, required=True, metavar="DIR", help="a new or empty data folder")
    sub.add_argument("--database", default="", metavar="URL", help="an empty PostgreSQL database; left out for SQLite")
    sub.add_argument("--key", type=Path, metavar="FILE", help="the key file that was in use when the backup was made")


def _set_environment(arguments: argparse.Namespace) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiski.config.settings")
    for option, name in (("data", "TISKI_DATA"), ("host", "TISKI_HOST"), ("port", "TISKI_PORT")):
        value = getattr(arguments, option, None)
        if value is not None:
            os.environ[name] = str(value)


def _up(arguments: argparse.Namespace) -> int:
    from . import supervisor

    return supervisor.up()


def _web(arguments: argparse.Namespace) -> int:
    from . import supervisor

    return supervisor.serve({"web"})


def _live(arguments: argparse.Namespace) -> int:
    from . import supervisor

    return supervisor.serve({"live"})


def _worker(arguments: argparse.Namespace) -> int:
    from . import supervisor

    return supervisor.work()


def _check(arguments: argparse.Namespace) -> int:
    from . import startup

    return startup.check(deploy=arguments.deploy)


def _migrate(arguments: argparse.Namespace) -> int:
    from . import startup

    startup.prepare()
    return 0


def _inspect(arguments: argparse.Namespace) -> int:
    from tiski.channels.email.inspect import inspect

    return inspect(arguments.files, sys.stdout)


def _back_up(arguments: argparse.Namespace) -> int:
    from . import backup

    return backup.back_up(arguments.file)


def _restore(arguments: argparse.Namespace) -> int:
    from . import backup

    return backup.restore(arguments.file, arguments.into, database=arguments.database, key=arguments.key)


def _rotate_keys(arguments: argparse.Namespace) -> int:
    from . import startup

    return startup.rotate_keys()


def _verify_audit(arguments: argparse.Namespace) -> int:
    from . import startup

    return startup.verify_audit()


def _version() -> str:
    from tiski import __version__

    return f"tiski {__version__}"


if __name__ == "__main__":
    sys.exit(main())
