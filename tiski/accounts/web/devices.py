"""What a browser calls itself, in words people know. Only for showing: anyone may claim anything."""

from __future__ import annotations

# Order matters: Edge and Opera call themselves Chrome, Chrome calls itself Safari, an iPad calls itself Macintosh.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
PHONES = frozenset({"iPhone", "Android"})


def browser_of(user_agent: str) -> str:
    """The browser's name, or empty."""
    return next((name for mark, name in BROWSERS if mark in user_agent), "")


def system_of(user_agent: str) -> str:
    """The system's or the device's name, or empty."""
    return next((name for mark, name in SYSTEMS if mark in user_agent), "")


def is_phone(user_agent: str) -> bool:
    """Whether it runs on a phone."""
    return system_of(user_agent) in PHONES
