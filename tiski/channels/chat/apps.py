"""Live chat as a Django app."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """Plugs the widget's door, its routes and the channel in."""

    name = "tiski.channels.chat"
    label = "chat"

    def ready(self) -> None:
        """Import what registers itself."""
        from tiski.channels.chat import plugs  # noqa: F401
