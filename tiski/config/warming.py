"""What the first visitors after a start would otherwise wait for, which took a second under load: templates compiled,
addresses and languages read.
"""

from __future__ import annotations

from django.conf import settings
from django.template import engines
from django.urls import get_resolver
from django.utils import translation


def warm() -> None:
    """Do all of it, before the first request; half a second."""
    get_resolver().reverse_dict  # noqa: B018  filled as it is looked at
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            translation.gettext("Open")
    env = engines["jinja2"].env  # type: ignore[attr-defined]
    for name in env.list_templates(extensions=["html"]):
        env.get_template(name)
