"""The kernel as a Django app."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    """Registers the handler of schedules, what is done regularly, and what can be measured."""

    name = "tiski.kernel"
    label = "kernel"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import what registers itself."""
        from . import measures, storage, upkeep  # noqa: F401
        from .events import ticking  # noqa: F401
