"""The live half: sockets, the doors packages plug into them, topics, and the routes beside them. See README.md."""

from .application import Live
from .codec import Pace
from .counters import counters
from .door import Door, Session
from .entrance import open_door
from .frames import Beat, Frame, News, Now, Present, Ready, Refused, Resync, encode, refused
from .gate import Knock
from .hub import Hub, hub
from .principal import LOGIN_EXPIRED, OWN_ORIGIN, POLICY, RESTART, TRY_LATER, Close, Principal
from .replay import Missed
from .routes import BodyTooLarge, Request, Response, response_to, route
from .sockets import Limits
from .threads import in_thread

__all__ = [
    "LOGIN_EXPIRED", "OWN_ORIGIN", "POLICY", "RESTART", "TRY_LATER", "Beat", "BodyTooLarge", "Close", "Door", "Frame",
    "Hub", "Knock", "Limits", "Live", "Missed", "News", "Now", "Pace", "Present", "Principal", "Ready", "Refused",
    "Request", "Response", "Resync", "Session", "app", "counters", "encode", "hub", "in_thread", "open_door", "refused",
    "response_to", "route",
]  # fmt: skip

app = Live()
"""The live application of this process."""
