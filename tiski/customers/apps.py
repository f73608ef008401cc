"""The customers package as a Django app."""

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Nothing to register: customers hear and plug nothing."""

    name = "tiski.customers"
    label = "customers"
    default_auto_field = "django.db.models.BigAutoField"
