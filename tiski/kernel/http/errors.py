"""One refusal for everything that goes wrong on the way out, so that nobody can map a network with our messages."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from tiski.kernel.errors import Unavailable


class HostUnreachable(Unavailable):
    """The other side could not be reached or did not answer properly. `reason` is for the owner's log only."""

    code = "http.unreachable"
    sentence = _(
        "The server could not be reached. Check the name and the port, and that it answers from the internet; "
        "private networks are opened by whoever runs this Tiski, with TISKI_ALLOW_NETWORKS."
    )

    def __init__(self, reason: str = "") -> None:
        """`reason` never reaches the shop."""
        super().__init__()
        self.reason = reason


class AddressRefused(HostUnreachable):
    """The address is malformed or leads into a network that is not open; from outside it looks like any dead host."""
