"""Security headers (security.md 4.1), the same-site check of changes, and an id for each request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _

from tiski.kernel import ids, tracing
from tiski.kernel.errors import NotAllowed

from .refusals import SAFE_METHODS, answer

YEAR = 31_536_000
CONSOLE_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' blob:",
    "font-src": "'self'",
    "connect-src": "'self' {socket}",
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "frame-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
}
BARE_POLICY = "default-src 'none'; frame-ancestors 'none'"
_CLOSED = "camera display-capture geolocation gyroscope magnetometer microphone midi payment usb".split()  # noqa: SIM905
PERMISSIONS = ", ".join(f"{feature}=()" for feature in _CLOSED)

View = Callable[..., HttpResponseBase]


class CrossSiteChange(NotAllowed):
    """A page of another site tried to change something in the name of whoever is signed in here."""

    code = "http.cross_site"
    sentence = _("This was sent by a page of another site and was not done. Open Tiski itself and do it there.")


class SecurityHeaders:
    """Gives every answer the headers of its surface; what a view has set itself stays."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Django's middleware protocol."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request under an id of its own."""
        token = tracing.request_id.set(ids.key(12))
        try:
            response = self.get_response(request)
            response.headers["X-Request-Id"] = tracing.request_id.get()
        finally:
            tracing.request_id.reset(token)
        _protect(request, response)
        _keep_out_of_caches(response)
        return response

    def process_view(
        self, request: HttpRequest, view: View, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Refuse a change that the browser says another site began; signed webhooks are exempt as from CSRF."""
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if request.method in SAFE_METHODS or site in {"same-origin", "none"} or getattr(view, "csrf_exempt", False):
            return None
        return answer(request, CrossSiteChange())


def console_policy(request: HttpRequest, *, framed_by: str = "'none'") -> str:
    """The content policy of pages: our own files only, nothing inline, framed by nobody unless said."""
    socket = f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}"
    rules = {name: value.format(socket=socket) for name, value in CONSOLE_POLICY.items()}
    return "; ".join(f"{name} {value}" for name, value in {**rules, "frame-ancestors": framed_by}.items())


def _protect(request: HttpRequest, response: HttpResponseBase) -> None:
    headers = response.headers
    if "Content-Security-Policy" not in headers:
        is_page = headers.get("Content-Type", "").startswith("text/html")
        headers["Content-Security-Policy"] = _page_policy(request) if is_page else BARE_POLICY
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "strict-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", PERMISSIONS)
    if settings.TISKI_BASE_URL.startswith("https:"):
        headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}")


def _page_policy(request: HttpRequest) -> str:
    """A request with a host that is not ours is refused before any view, and its page needs no socket."""
    try:
        return console_policy(request)
    except Exception:  # noqa: BLE001  DisallowedHost, and whatever else a broken Host header brings
        return BARE_POLICY


def _keep_out_of_caches(response: HttpResponseBase) -> None:
    """Private unless a view says otherwise, and private whatever it says as soon as a cookie is set."""
    if "Cache-Control" not in response.headers or response.cookies:
        response.headers["Cache-Control"] = "private, no-store"
