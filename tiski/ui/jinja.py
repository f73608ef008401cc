"""The Jinja environment of every page and mail."""

import jinja2
from django.urls import reverse
from django.utils import timezone, translation
from markupsafe import Markup

from tiski.ui import formats, page, statics

_ICON = '<svg class="i{}" aria-hidden="true" focusable="false"><use href="#i-{}"/></svg>'


def environment(**options: object) -> jinja2.Environment:
    """Strict names, escaped HTML, gettext, and the functions and filters that templates may use.

    `options` come from Django's template backend; text mails (`.txt`) are not escaped.
    """
    options |= {"undefined": jinja2.StrictUndefined, "autoescape": _escapes, "trim_blocks": True, "lstrip_blocks": True}
    env = jinja2.Environment(extensions=["jinja2.ext.i18n"], **options)  # type: ignore[arg-type]  # noqa: S701  text mails need it off
    env.policies["ext.i18n.trimmed"] = True
    env.install_gettext_callables(  # type: ignore[attr-defined]
        translation.gettext,
        translation.ngettext,
        newstyle=True,
        pgettext=translation.pgettext,
        npgettext=translation.npgettext,
    )
    env.globals |= {
        "static": statics.static,
        "icon": icon,
        "url": url,
        "look": page.look,
        "timezone": timezone.get_current_timezone_name,
    }
    env.filters |= {
        "clock": formats.clock,
        "day": formats.day,
        "date": formats.date,
        "moment": formats.moment,
        "ago": formats.ago,
        "initials": formats.initials,
        "bytes": formats.size,
        "iso": formats.iso,
        "day_key": formats.day_key,
        "stamp": formats.stamp,
    }
    return env


def icon(name: str, small: bool = False) -> Markup:
    """A decorative icon from the sprite of the page; the words stand beside it or in a hidden name."""
    return Markup(_ICON).format(" i--small" if small else "", name)  # noqa: S704  our own constant


def url(name: str, *args: object, **kwargs: object) -> str:
    """The address of a view; Django wants either places or names, not both."""
    return reverse(name, args=args or None, kwargs=kwargs or None)


def _escapes(template: str | None) -> bool:
    return template is None or not template.endswith(".txt")
