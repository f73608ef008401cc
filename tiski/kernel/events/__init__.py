"""Events are rows: what happened (facts), who must act on it (deliveries), and the order of it all (stream)."""

from .emitting import Emission, emit, emit_many
from .event import Event, FactRow, Heard, Outcomes, Retry, every, hears, hears_many

__all__ = [
    "Emission",
    "Event",
    "FactRow",
    "Heard",
    "Outcomes",
    "Retry",
    "emit",
    "emit_many",
    "every",
    "hears",
    "hears_many",
]
