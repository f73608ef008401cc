"""The Django app of accounts: imports what listens."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Shops, people, hours, sign-in and audit log."""

    name = "tiski.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Fill the kernel's registries of handlers and live topics."""
        from . import handlers, plugs  # noqa: F401
