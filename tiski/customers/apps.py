"""The customers package as a Django app."""

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Registers what customers plug."""

    name = "tiski.customers"
    label = "customers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import what registers itself."""
        from tiski.customers import plugs  # noqa: F401
