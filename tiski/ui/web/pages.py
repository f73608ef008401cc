"""The style guide and the refusal of a stale form token."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tiski.ui import showcase, tokens
from tiski.ui.page import show

FRESH_HEADER = "X-CSRFToken"
_THEMES = ("", "light", "dark")
_DENSITIES = ("comfortable", "compact")


def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component in every state, drawn by the partials of the product; for people who are signed in."""
    reader = getattr(request, "user", None)
    if not (settings.DEBUG or getattr(reader, "is_authenticated", False)):
        raise Http404
    theme, density = request.GET.get("theme", ""), request.GET.get("density", "")
    return show(
        request,
        "ui/styleguide.html",
        appearance={
            "language": get_language() or "en",
            "theme": theme if theme in _THEMES else "",
            "density": density if density in _DENSITIES else _DENSITIES[0],
        },
        themes=_THEMES,
        densities=_DENSITIES,
        world=showcase.world(),
        colours=tokens.colour_table(),
        scales=tokens.scales(),
    )


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that the page was open too long, and hand out a fresh token so that the console tries once more by itself."""
    sentence = _("This page was open for so long that the form is no longer valid. Reload it and send again.")
    response = show(request, "ui/refusal.html", status=403, sentence=sentence, code="stale_form")
    response[FRESH_HEADER] = get_token(request)
    return response
