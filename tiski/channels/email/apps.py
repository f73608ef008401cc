"""Email as a Django app."""

from django.apps import AppConfig


class EmailConfig(AppConfig):
    """Plugs the channel, the mailbox readers and the handlers in."""

    name = "tiski.channels.email"
    label = "mail"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import what registers itself."""
        from tiski.channels.email import handlers, plugs  # noqa: F401
