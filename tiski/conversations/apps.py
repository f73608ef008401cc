"""The conversations package as a Django app."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    """Registers what conversations hear and plug."""

    name = "tiski.conversations"
    label = "conversations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import what registers itself."""
        from tiski.conversations import handlers, indexer, plugs  # noqa: F401
