"""What the live half has counted since it started, for metrics: plain numbers, no personal data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """One per process. Rates and averages are the reader's business."""

    sockets_opened: int = 0
    sockets_closed: int = 0
    reconnects: int = 0
    refused_handshakes: int = 0
    refused_hellos: int = 0
    frames: int = 0
    bad_frames: int = 0
    rate_refusals: int = 0
    requests: int = 0
    facts: int = 0
    news: int = 0
    messages: int = 0
    catch_ups: int = 0
    resyncs: int = 0
    rechecks: int = 0
    dropped_hints: int = 0
    slow_closed: int = 0
    silent_closed: int = 0


counters = Counters()
