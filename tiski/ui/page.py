"""A page for a browser that arrives, its inner part for htmx that asks."""

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language

_THEMES = frozenset({"light", "dark"})


def show(request: HttpRequest, template: str, status: int = 200, **context: object) -> HttpResponse:
    """The page `x/page.html`, or its partial `x/_page.html` when htmx asks for one.

    A partial has no inheritance and draws for first load, refetch and append alike; a page without a partial of its
    own is answered whole.
    """
    response = HttpResponse(_chosen(template, wants_partial(request)).render(context, request), status=status)
    patch_vary_headers(response, ["HX-Request-Type"])
    return response


def _chosen(template: str, is_partial: bool) -> Any:
    """Which of the two is drawn; while debugging it is looked for again each time, as it may have been edited."""
    return _find.__wrapped__(template, is_partial) if settings.DEBUG else _find(template, is_partial)


@cache
def _find(template: str, is_partial: bool) -> Any:
    return loader.select_template([_partial_of(template), template] if is_partial else [template])


def wants_partial(request: HttpRequest) -> bool:
    """Whether htmx asks for a fragment; a restored history entry wants the page (ui.md H11)."""
    return request.headers.get("HX-Request-Type") == "partial" and "HX-History-Restore-Request" not in request.headers


def look(request: HttpRequest | None) -> dict[str, str]:
    """Language, theme and density of the page, from the profile of the person who asks."""
    reader = getattr(request, "user", None)
    theme = getattr(reader, "theme", "")
    return {
        "language": get_language() or "en",
        "theme": theme if theme in _THEMES else "",
        "density": "compact" if getattr(reader, "density", "") == "compact" else "comfortable",
    }


def _partial_of(template: str) -> str:
    folder, _, name = template.rpartition("/")
    return f"{folder}/_{name}" if folder else f"_{name}"
