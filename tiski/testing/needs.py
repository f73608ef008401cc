"""Programs the tests need: found, or refused with the command that installs them."""

from __future__ import annotations

import shutil
from pathlib import Path

_PACKAGES = {
    "chromium": "chromium",
    "dovecot": "dovecot-imapd dovecot-lmtpd",
    "postfix": "postfix",
    "initdb": "postgresql",
    "postgres": "postgresql",
    "nginx": "nginx-light",
    "redis-server": "redis-server",
    "node": "nodejs npm",
    "msgfmt": "gettext",
}
_POSTGRES = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
_OFF_THE_PATH = ["/usr/local/sbin", "/usr/sbin", "/sbin", *_POSTGRES]


class Missing(Exception):
    """A program, file or privilege the tests need is absent; the sentence names the command that provides it."""


def program(name: str) -> Path:
    """Where the program lies; raises `Missing` with the installing command."""
    for folders in (None, ":".join(_OFF_THE_PATH)):
        found = shutil.which(name, path=folders)
        if found:
            return Path(found)
    packages = _PACKAGES.get(name, name)
    raise Missing(f"{name} is missing. Install it: sudo apt-get install -y {packages} (or run: sudo make test)")
