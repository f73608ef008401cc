"""Modules that may be imported in a few places only: each is the one choke point for something dangerous."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch

from tiski.testing.rules.sources import Source

_FACES = ("tiski/console/*", "tiski/widget/*", "tiski/portal/*", "tiski/api/*", "tiski/demo/*")


@dataclass(frozen=True, slots=True)
class Restriction:
    """What, where it may be imported all the same, and the right way.

    `module` stands for everything in it; `module:pattern` for the names that fit, and for the module imported whole.
    """

    names: tuple[str, ...]
    allowed: tuple[str, ...]
    remedy: str


RESTRICTIONS = (
    Restriction(
        ("django.http:*Http*", "django.http:*Response*", "django.shortcuts"),
        (
            "*/web/*",
            "*/web.py",
            "tiski/ui/*",
            "tiski/config/*",
            "tiski/kernel/middleware*",
            "tiski/kernel/blobs*",
            "tiski/accounts/policies*",
            *_FACES,
        ),
        "only web/ answers requests; raise a typed error from errors.py",
    ),
    Restriction(
        ("hmac", "django.core.signing", "django.utils.crypto:salted_hmac"),
        ("tiski/kernel/tokens*",),
        "signatures are made and checked by kernel.tokens",
    ),
    Restriction(
        ("socket", "httpx", "http.client", "urllib.request", "urllib3", "requests", "aiohttp", "ftplib", "telnetlib"),
        # The server listens and connects to nobody; the email opener hands guarded sockets to imaplib and smtplib.
        ("tiski/kernel/http/*", "tiski/config/server.py", "tiski/channels/email/connecting.py"),
        "connections to others go out through kernel.http",
    ),
    Restriction(
        ("redis",),
        ("tiski/kernel/bus/*",),
        "Redis holds hints only: say them through kernel.bus",
    ),
    Restriction(
        ("smtplib:SMTP", "smtplib:SMTP_SSL", "imaplib", "imap_tools:*MailBox*", "poplib"),
        ("tiski/channels/email/*",),
        "mail servers are reached by the email channel, over kernel.http.open_socket",
    ),
    Restriction(
        ("django.dispatch", "django.db.models.signals", "django.core.signals"),
        (),
        "no signals: emit an event, or call what should happen",
    ),
    Restriction(
        (
            "pickle", "cPickle", "dill", "jsonpickle", "shelve", "marshal", "yaml", "ruamel",
            "xml.etree", "xml.dom", "xml.sax", "lxml",
        ),
        (),
        "bytes of others are read as JSON, or as XML by defusedxml",
    ),
)  # fmt: skip
_CLOCKS = {
    "date.today",
    "datetime.now",
    "datetime.utcnow",
    "datetime.datetime.now",
    "time.time",
    "timezone.now",
}


def restricted(source: Source) -> list[str]:
    """Imports of what another place is responsible for; imports for type annotations alone count too."""
    return [
        source.at(line, f"{name}: {rule.remedy}")
        for line, name in sorted(_names(source.tree()))
        for rule in RESTRICTIONS
        if not source.within(*rule.allowed) and any(_fits(name, wanted) for wanted in rule.names)
    ]


def other_clocks(source: Source) -> list[str]:
    """Asking anything but `kernel.clock` for the time."""
    if source.path == "tiski/kernel/clock.py":
        return []
    return [
        source.at(call.lineno, f"{_dotted(call.func)}: kernel.clock.now is the only clock")
        for call in _calls(source)
        if _dotted(call.func) in _CLOCKS
    ]


def model_lookups(source: Source) -> list[str]:
    """`apps.get_model(...)`: a way around the import contracts, right only in migrations."""
    return [
        source.at(call.lineno, "get_model goes around the import contracts; import the model")
        for call in _calls(source)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "get_model"
    ]


def _calls(source: Source) -> list[ast.Call]:
    return [node for node in ast.walk(source.tree()) if isinstance(node, ast.Call)]


def _fits(name: str, wanted: str) -> bool:
    module, colon, pattern = wanted.partition(":")
    if not colon:
        return name == module or name.startswith(f"{module}.")
    holder, _, last = name.rpartition(".")
    return name == module or (holder == module and fnmatch(last, pattern))


def _names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
