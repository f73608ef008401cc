"""The Django application of the user interface."""

from django.apps import AppConfig


class UiConfig(AppConfig):
    """Templates and static files only."""

    name = "tiski.ui"
    label = "ui"
