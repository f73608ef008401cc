"""The demo shop as a Django app."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """A face: pages only."""

    name = "tiski.demo"
    label = "demo"
