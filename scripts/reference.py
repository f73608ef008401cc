"""Writes docs/reference.md: every setting, command, event, refusal and plug, from the code that defines them.

The meaning is the first sentence of each docstring, or the registration's own words; without one the test fails.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import importlib
import inspect
import os
import pkgutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tiski.testing.rules.sources import product

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "reference.md"
HEAD = """# Reference

Written by `make reference` from the code. What a row says is what the code says of itself; a test fails when something
here is missing, or stands without its meaning.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """One table: its rows begin with the name and end with the meaning."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def sections() -> list[Section]:
    """Every table, from what is registered once the whole product is loaded."""
    from django.utils import translation

    _load_everything()
    with translation.override("en"):
        return [_settings(), _commands(), _events(), _schedules(), _refusals(), _channels(), _topics(), _metrics()]


def page(tables: Iterable[Section]) -> str:
    """The tables as Markdown."""
    parts = [HEAD]
    for table in tables:
        lines = [f"## {table.title}", "", _line(table.head), _line("---" for _ in table.head)]
        parts.append("\n".join([*lines, *(_line(row) for row in table.rows), ""]))
    return "\n".join(parts)


def undocumented(tables: Iterable[Section]) -> list[str]:
    """Rows whose meaning is missing or too short to say anything."""
    return [f"{table.title}: {row[0]}" for table in tables for row in table.rows if len(row[-1].split()) < 3]


def _settings() -> Section:
    from tiski.config import environment

    known = sorted(environment.settings.values(), key=lambda setting: setting.name)
    rows = [(f"`{one.name}`", f"`{one.default}`" if one.default else "", one.meaning) for one in known]
    return Section("Settings", ("environment variable", "default", "meaning"), rows)


def _commands() -> Section:
    from tiski.config import cli

    rows = []
    for command in cli.commands():
        parser = argparse.ArgumentParser(add_help=False)
        command.arguments(parser)
        options = [f"`{action.option_strings[-1]}`" for action in parser._actions if action.option_strings]
        rows.append((f"`tiski {command.words}`", " ".join(["`--data`", *options]), command.meaning))
    return Section("Commands", ("command", "options", "meaning"), rows)


def _events() -> Section:
    from tiski.kernel.events.event import events

    rows = []
    for name, event in sorted(events.items()):
        if _is_product(event.__module__):
            fields = ", ".join(inspect.signature(event).parameters)
            rows.append((f"`{name}`", fields, _sentence(event)))
    return Section("Events", ("event", "carries", "meaning"), rows)


def _is_product(module: str) -> bool:
    """Not a test's own: in a test run those are registered beside the product's."""
    return module.startswith("tiski.") and ".tests." not in module and not module.startswith("tiski.testing.")


def _schedules() -> Section:
    from tiski.kernel.events.event import schedules

    ours = [schedule for name, schedule in sorted(schedules.items()) if schedule.run.__module__.startswith("tiski.")]
    rows = [(f"`{one.name}`", f"{one.every.total_seconds():g} s", _sentence(one.run)) for one in ours]
    return Section("Schedules", ("schedule", "every", "meaning"), rows)


def _refusals() -> Section:
    from tiski.kernel.errors import Refusal, TooMany, registry

    def said(kind: type[Refusal]) -> str:
        # A sentence in two numbers has no words until it knows the number.
        return _words(str(kind(60) if issubclass(kind, TooMany) else kind.sentence))

    kinds = registry().items()
    ours = [(code, kind) for code, kind in kinds if _is_product(kind.__module__)]
    rows = [(f"`{code}`", kind.__mro__[1].__name__, said(kind), _sentence(kind)) for code, kind in ours]
    return Section("Refusals", ("code", "kind", "what people read", "meaning"), rows)


def _channels() -> Section:
    from tiski.conversations.contract import channels

    rows = [(f"`{one.kind}`", ", ".join(sorted(map(str, one.can))), _sentence(type(one))) for one in channels()]
    return Section("Channels", ("kind", "can", "meaning"), rows)


def _topics() -> Section:
    """Read from the source: the registry lives in each live process, not in a module."""
    rows = []
    for source in product():
        told = {
            node.name: ast.get_docstring(node) for node in ast.walk(source.tree()) if isinstance(node, ast.FunctionDef)
        }
        for node in ast.walk(source.tree()):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".register_topic"):
                kind, allows = ast.literal_eval(node.args[0]), ast.unparse(node.args[1])
                rows.append((f"`{kind}`", source.path, (told.get(allows) or "").partition("\n")[0].rstrip(".")))
    return Section("Live topics", ("topic", "plugged in", "who may watch"), sorted(rows))


def _metrics() -> Section:
    """What `/metrics` tells, besides what every process tells of itself (`process_...`)."""
    from tiski.kernel.metrics.counting import counts
    from tiski.kernel.metrics.reading import metrics

    told = {name: (metric.kind.value, metric.meaning) for name, metric in metrics.items()}
    told |= {name: ("counter", count.meaning) for name, count in counts.items()}
    rows = [
        (f"`{name}{'_total' if kind == 'counter' else ''}`", kind, meaning)
        for name, (kind, meaning) in told.items()
        if name.startswith("tiski_")  # a test's own stand beside them in a test run
    ]
    return Section("Metrics", ("metric", "kind", "meaning"), sorted(rows))


def _load_everything() -> None:
    import django

    import tiski

    django.setup()
    for module in pkgutil.walk_packages(tiski.__path__, "tiski."):
        left_out = {"testing", "tests", "migrations", "wsgi", "asgi", "__main__"}
        if not left_out & set(module.name.split(".")):
            importlib.import_module(module.name)


def _sentence(thing: object) -> str:
    own = thing.__dict__.get("__doc__") if isinstance(thing, type) else inspect.getdoc(thing)
    text = _words(inspect.cleandoc(own or ""))
    # A dataclass without a docstring gets its signature as one.
    return "" if text.startswith(f"{getattr(thing, '__name__', '')}(") else text.partition(". ")[0].rstrip(".")


def _words(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Write the page; say what has no meaning yet."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiski.config.settings")
    with tempfile.TemporaryDirectory(prefix="tiski-reference-") as folder:
        os.environ["TISKI_DATA"] = folder
        tables = sections()
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(page(tables))
    for missing in undocumented(tables):
        print(f"without a meaning: {missing}", file=sys.stderr)
    return 1 if undocumented(tables) else 0


if __name__ == "__main__":
    sys.exit(main())
