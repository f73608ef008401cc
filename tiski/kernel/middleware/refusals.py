"""From a refusal to an answer: a page, one notice for htmx, or problem+json (RFC 9457) for programs."""

from __future__ import annotations

import errno
import logging
import sys
from collections.abc import Callable
from http import HTTPStatus

from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template import loader
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _

from tiski.kernel import tracing
from tiski.kernel.action import safe_method
from tiski.kernel.errors import Invalid, NotAllowed, NotFound, Refusal, StorageFull, Unavailable
from tiski.kernel.secrets import redact
from tiski.kernel.statuses import answered_with, status_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# PostgreSQL: disk full; out of connections or shutting down, lock not available, serialisation, deadlock.
_FULL_STATES = frozenset({"53100"})
_BUSY_STATES = ("08", "53", "55P03", "57P", "40001", "40P01")
_BUSY_TEXTS = ("is locked", "disk i/o error", "readonly database", "unable to open database file")

log = logging.getLogger(__name__)


class RequestTooLarge(Invalid):
    """More data, fields or files than one form may carry."""

    code = "http.request_too_large"
    sentence = _("This is more than one form can carry. Send it in parts.")


class Misunderstood(Invalid):
    """The request itself is broken; no page of ours sends such a thing."""

    code = "http.bad_request"
    sentence = _("The request could not be understood. Go back, reload the page and try again.")


class DatabaseBusy(Unavailable):
    """The database did not answer in time or is being restarted; nothing was changed."""

    code = "database.busy"
    sentence = _("The database is busy, so nothing was changed. Try again in a few seconds.")


class Broken(Unavailable):
    """A defect; the log has the rest under the request's id."""

    code = "broken"
    sentence = _("Something broke on our side. Nothing you wrote was lost: go back and send it again.")


answered_with(413, RequestTooLarge)
answered_with(400, Misunderstood)
answered_with(500, Broken)

_DJANGO: dict[type[Exception], type[Refusal]] = {
    Http404: NotFound,
    PermissionDenied: NotAllowed,
    RequestDataTooBig: RequestTooLarge,
    TooManyFieldsSent: RequestTooLarge,
    TooManyFilesSent: RequestTooLarge,
}


class RefusalMiddleware:
    """Answers refusals raised by views, and tells actions when the method is one that must not change anything."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Django's middleware protocol."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; inside a GET, HEAD or OPTIONS every action refuses to run."""
        token = safe_method.set(request.method in SAFE_METHODS)
        try:
            return self.get_response(request)
        finally:
            safe_method.reset(token)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """An answer for what can be said; None leaves a defect to `server_error` and the log."""
        refusal = as_refusal(error)
        return None if refusal is None else answer(request, refusal)


def as_refusal(error: BaseException | None) -> Refusal | None:
    """The refusal that says what happened, or None for a defect. After trouble the database connection is renewed."""
    if isinstance(error, Refusal):
        return error
    for kind, refusal in _DJANGO.items():
        if isinstance(error, kind):
            return refusal()
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageFull()
    if isinstance(error, DatabaseError | InterfaceError):
        return _database_trouble(error)
    return None


def answer(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The refusal in the form this request can use."""
    status = status_of(refusal)
    wants_json = request.get_preferred_type(["text/html", "application/problem+json", "application/json"])
    if wants_json in {"application/problem+json", "application/json"}:
        response: HttpResponse = JsonResponse(_problem(refusal), content_type="application/problem+json", status=status)
    elif request.headers.get("HX-Request") == "true":
        response = _rendered(request, "ui/_toast.html", {"text": str(refusal), "tone": "error"}, status)
        response.headers["HX-Retarget"] = "#toasts"
        response.headers["HX-Reswap"] = "beforeend"
    else:
        response = _page(request, refusal, status)
    patch_vary_headers(response, ["Accept", "HX-Request"])
    retry_after = getattr(refusal, "retry_after", None)
    if retry_after is not None and status != HTTPStatus.INTERNAL_SERVER_ERROR:
        response.headers["Retry-After"] = str(retry_after)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The URLconf's `handler400`."""
    return answer(request, as_refusal(exception) or Misunderstood())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The URLconf's `handler403`."""
    return answer(request, as_refusal(exception) or NotAllowed())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The URLconf's `handler404`: the same answer as for something that is there and not yours."""
    return answer(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """The URLconf's `handler500`: busy and full are said as such; anything else is a defect, and the log has it."""
    return answer(request, as_refusal(sys.exc_info()[1]) or Broken())


def _database_trouble(error: Exception) -> Refusal | None:
    state = getattr(error.__cause__, "sqlstate", None) or ""
    text = str(error).lower()
    full = state in _FULL_STATES or "database or disk is full" in text
    busy = state.startswith(_BUSY_STATES) or any(sign in text for sign in _BUSY_TEXTS)
    # A server that cannot be reached at all has no state to tell.
    gone = connection.vendor == "postgresql" and not state and isinstance(error, OperationalError | InterfaceError)
    if not (full or busy or gone):
        return None
    log.warning("the database refused: %s", redact(text))
    # After a failed write or commit the state of a connection is unknown (reliability.md 5).
    if not connection.in_atomic_block:
        connection.close()
    return StorageFull() if full else DatabaseBusy()


def _problem(refusal: Refusal) -> dict[str, object]:
    status = status_of(refusal)
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": str(refusal),
        "code": refusal.code,
        "request_id": tracing.request_id.get(),
    }
    if refusal.field:
        problem["field"] = refusal.field
    return problem


def _page(request: HttpRequest, refusal: Refusal, status: int) -> HttpResponse:
    template = {NotFound: "ui/404.html", Broken: "ui/500.html"}.get(type(refusal), "ui/refusal.html")
    context = {
        "sentence": str(refusal),
        "code": refusal.code,
        "status": status,
        "request_id": tracing.request_id.get(),
    }
    return _rendered(request, template, context, status)


def _rendered(request: HttpRequest, template: str, context: dict[str, object], status: int) -> HttpResponse:
    """A page asks who is reading; when that fails too, as with a dead database, the sentence alone has to do."""
    try:
        return HttpResponse(loader.get_template(template).render(context, request), status=status)
    except Exception:
        log.exception("a refusal could not be drawn")
        text = str(context.get("sentence") or context.get("text"))
        return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
