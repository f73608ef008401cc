"""The console as a Django app."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """A face: pages and one socket door."""

    name = "tiski.console"
    label = "console"

    def ready(self) -> None:
        """Import what registers itself."""
        from tiski.console import plugs  # noqa: F401
