"""The Django app of accounts: imports what listens."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Shops, people, hours, sign-in and audit log."""

    name = "tiski.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Fill the kernel's registry of handlers."""
        from . import handlers  # noqa: F401
