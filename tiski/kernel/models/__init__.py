"""The kernel's rows."""

from .blobs import Blob
from .events import Delivery, Fact
from .health import Pulse
from .limits import LimitWindow
from .secrets import ShopKey
from .tokens import SpentToken

__all__ = ["Blob", "Delivery", "Fact", "LimitWindow", "Pulse", "ShopKey", "SpentToken"]
