"""Settings that would make an installation unsafe or send people to the wrong place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from tiski.kernel import blobs, keyfile

from .problem import Problem

SHORTEST_KEY = 32
SHORTEST_TOKEN = 20


def secret_key() -> Iterator[Problem]:
    """The secret key is long, no default, and readable by its owner alone."""
    if len(settings.SECRET_KEY) < SHORTEST_KEY or settings.SECRET_KEY.startswith("django-insecure"):
        yield Problem(
            _("The secret key is too short or a well-known default."),
            _("Leave TISKI_SECRET_KEY out to have one made, or set 32 random characters or more."),
        )
    mode = keyfile.problem_with_mode(settings.TISKI_KEY_FILE)
    if mode:
        yield Problem(
            _("Others on this machine can read the key file %(file)s (mode %(mode)s).")
            % {"file": settings.TISKI_KEY_FILE, "mode": mode},
            _("Run `chmod 600 %(file)s`.") % {"file": settings.TISKI_KEY_FILE},
        )


def debug() -> Iterator[Problem]:
    """Detailed error pages are for the machine they are made on."""
    if settings.DEBUG and not _is_loopback(settings.TISKI_HOST):
        yield Problem(
            _("TISKI_DEBUG is on while Tiski listens on %(host)s.") % {"host": settings.TISKI_HOST},
            _("Turn TISKI_DEBUG off, or listen on 127.0.0.1."),
        )


def addresses() -> Iterator[Problem]:
    """Links are built from one configured address, and no host name is accepted blindly."""
    if "*" in settings.ALLOWED_HOSTS:
        yield Problem(_("Every host name is accepted."), _("Name the hosts in ALLOWED_HOSTS; `*` is not allowed."))
    base = urlsplit(settings.TISKI_BASE_URL)
    if base.scheme not in {"http", "https"} or not base.hostname:
        yield Problem(
            _("TISKI_BASE_URL (%(url)s) is not an address.") % {"url": settings.TISKI_BASE_URL},
            _("Set it to the address people use, for example https://desk.example.com."),
        )
    elif base.scheme == "http" and not _is_loopback(base.hostname):
        yield Problem(
            _("TISKI_BASE_URL (%(url)s) is not encrypted.") % {"url": settings.TISKI_BASE_URL},
            _("Put a proxy with a certificate in front and set an https:// address."),
        )


def networks() -> Iterator[Problem]:
    """Lists of networks can be read, and do not trust the whole internet."""
    for name, advice in (
        ("TISKI_ALLOW_NETWORKS", _("Name single private networks, for example 10.0.5.0/24.")),
        ("TISKI_METRICS_NETWORKS", _("Name single private networks, for example 10.0.5.0/24.")),
        ("TISKI_TRUSTED_PROXIES", _("Name the addresses of your proxies, for example 10.0.5.7.")),
    ):
        for text in getattr(settings, name):
            if not _is_narrow(text):
                yield Problem(
                    _("%(setting)s holds %(value)s, which is no network or far too large a one.")
                    % {"setting": name, "value": text},
                    advice,
                )


def metrics_token() -> Iterator[Problem]:
    """What opens the metrics to the whole network cannot be guessed."""
    if 0 < len(settings.TISKI_METRICS_TOKEN) < SHORTEST_TOKEN:
        yield Problem(
            _("TISKI_METRICS_TOKEN is too short to be a secret."),
            _("Use at least %(count)d random characters, or leave it out.") % {"count": SHORTEST_TOKEN},
        )


def folders() -> Iterator[Problem]:
    """The data folder can be written and has room left."""
    missing = next((each for each in (Path(settings.TISKI_DATA), blobs.folder()) if not _can_be_written(each)), None)
    if missing:
        yield Problem(
            _("The folder %(folder)s is missing or cannot be written.") % {"folder": missing},
            _("Make it, and give it to the user who runs Tiski."),
        )
        return
    try:
        blobs.make_room_or_refuse()
    except blobs.StorageFull:
        yield Problem(
            _("The disk of %(folder)s is nearly full.") % {"folder": settings.TISKI_DATA},
            _("Free at least 100 MB, or move TISKI_DATA to a larger disk."),
        )


def admin() -> Iterator[Problem]:
    """Django's admin is not part of Tiski and must not appear by accident."""
    if "django.contrib.admin" in settings.INSTALLED_APPS:
        yield Problem(_("Django's admin is installed."), _("Take django.contrib.admin out of INSTALLED_APPS."))


def public_address() -> Iterator[Problem]:
    """For `check --deploy`: people can reach it, encrypted."""
    base = urlsplit(settings.TISKI_BASE_URL)
    if base.scheme != "https" or _is_loopback(base.hostname or ""):
        yield Problem(
            _("TISKI_BASE_URL (%(url)s) is not a public https address.") % {"url": settings.TISKI_BASE_URL},
            _("Set it to the address people use, for example https://desk.example.com."),
        )
    elif _is_loopback(settings.TISKI_HOST) and not settings.TISKI_TRUSTED_PROXIES:
        yield Problem(
            _("A proxy must stand in front of Tiski, and none is trusted, so every visitor seems to come from it."),
            _("Set TISKI_TRUSTED_PROXIES to the proxy's address, for example 127.0.0.1."),
        )


def mail() -> Iterator[Problem]:
    """For `check --deploy`: invitations and password resets leave the machine."""
    if not settings.TISKI_SMTP_URL:
        yield Problem(
            _("Invitations and password resets are only printed."),
            _("Set TISKI_SMTP_URL, for example smtp://user:password@mail.example.com:587."),
        )


def _can_be_written(folder: Path) -> bool:
    """The folder of files is made by the first file, so only what is there can be wrong with it."""
    if folder == blobs.folder() and not folder.exists():
        return True
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_narrow(text: str) -> bool:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= (8 if network.version == 4 else 16)
