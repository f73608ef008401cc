"""The Django application of the widget."""

from django.apps import AppConfig


class WidgetConfig(AppConfig):
    """Templates, static files and public pages; no models."""

    name = "tiski.widget"
    label = "widget"
