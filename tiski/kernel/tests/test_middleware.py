"""Answers: headers by surface, refusals as page, notice or problem+json, and nothing changed by a GET."""

from __future__ import annotations

import errno
import logging
from typing import Any

import psycopg.errors
import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DatabaseError, OperationalError, ProgrammingError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.test import Client, RequestFactory
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from pytest_django.fixtures import Settings

from tiski.kernel import middleware, tracing
from tiski.kernel.action import SYSTEM, Actor, ChangeInSafeMethod, action
from tiski.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, StorageFull, TooMany, Unavailable
from tiski.kernel.middleware import as_refusal
from tiski.kernel.statuses import status_of

pytestmark = pytest.mark.django_db


class TeaSpilt(Conflict):
    """For these tests."""

    code = "tests.tea_spilt"
    sentence = _("Someone spilt <the tea>. Pour again.")


@action
def pour(*, by: Actor) -> None:
    """Pour tea."""


def driver_error(cause: Exception, kind: type[Exception] = OperationalError) -> Exception:
    """As Django raises it, with the driver's own error as its cause."""
    error = kind(str(cause))
    error.__cause__ = cause
    return error


TROUBLES: dict[str, Exception] = {
    "not-found": NotFound(),
    "not-allowed": NotAllowed(),
    "conflict": TeaSpilt(),
    "invalid": Invalid(field="email"),
    "too-many": TooMany(30),
    "unavailable": Unavailable(),
    "full": StorageFull(),
    "http404": Http404(),
    "denied": PermissionDenied(),
    "too-big": RequestDataTooBig(),
    "locked": OperationalError("database is locked"),
    "disk": OperationalError("database or disk is full"),
    "enospc": OSError(errno.ENOSPC, "No space left on device"),
    "defect": KeyError("tea"),
}


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<!doctype html><title>Tee</title>")


def fragment_for_ten_seconds(request: HttpRequest) -> HttpResponse:
    return HttpResponse("x", headers={"Cache-Control": "private, max-age=10"})


def public_with_cookie(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("x", headers={"Cache-Control": "public, max-age=60"})
    response.set_cookie("a", "b")
    return response


def own_policy(request: HttpRequest) -> HttpResponse:
    return HttpResponse("x", headers={"Content-Security-Policy": "sandbox", "Referrer-Policy": "no-referrer"})


def data(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"id": tracing.request_id.get()})


def trouble(request: HttpRequest, name: str) -> HttpResponse:
    raise TROUBLES[name]


def pouring(request: HttpRequest) -> HttpResponse:
    pour(by=SYSTEM)
    return HttpResponse("poured")


urlpatterns = [
    path("page/", page),
    path("fragment/", fragment_for_ten_seconds),
    path("cookie/", public_with_cookie),
    path("own/", own_policy),
    path("data/", data),
    path("trouble/<str:name>/", trouble),
    path("pour/", pouring),
    path("webhook/", csrf_exempt(pouring)),
]
handler400 = middleware.bad_request
handler403 = middleware.permission_denied
handler404 = middleware.not_found
handler500 = middleware.server_error


@pytest.fixture(autouse=True)
def these_urls(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False, headers={"accept": "text/html", "accept-language": "en"})


def test_a_page_gets_the_policy_of_the_console(browser: Client) -> None:
    response = browser.get("/page/", headers={"host": "localhost:8000"})

    assert response["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
        "font-src 'self'; connect-src 'self' ws://localhost:8000; manifest-src 'self'; worker-src 'self'; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "strict-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["Permissions-Policy"].startswith("camera=(), ")
    assert "unsafe" not in str(response.headers)


def test_over_https_sockets_are_encrypted_and_browsers_remember_it(settings: Settings) -> None:
    settings.TISKI_BASE_URL = "https://desk.example.com"
    settings.ALLOWED_HOSTS = ["desk.example.com"]
    response = Client().get("/page/", headers={"host": "desk.example.com"}, secure=True)

    assert "connect-src 'self' wss://desk.example.com;" in response["Content-Security-Policy"]
    assert response["Strict-Transport-Security"] == "max-age=31536000"


def test_a_page_that_others_may_frame_says_who() -> None:
    policy = middleware.console_policy(RequestFactory().get("/"), framed_by="'self' https://kauppa.example")

    assert policy.endswith("frame-ancestors 'self' https://kauppa.example")
    assert "'none'; script-src 'self'" in policy


def test_what_is_no_page_may_load_nothing(browser: Client) -> None:
    assert browser.get("/data/")["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_what_a_view_sets_itself_stays(browser: Client) -> None:
    response = browser.get("/own/")

    assert response["Content-Security-Policy"] == "sandbox"
    assert response["Referrer-Policy"] == "no-referrer"


def test_a36_answers_are_private_unless_said_and_private_whenever_a_cookie_is_set(browser: Client) -> None:
    assert browser.get("/page/")["Cache-Control"] == "private, no-store"
    assert browser.get("/fragment/")["Cache-Control"] == "private, max-age=10"
    assert browser.get("/cookie/")["Cache-Control"] == "private, no-store"


def test_every_request_has_an_id_that_the_log_knows(browser: Client) -> None:
    first, second = browser.get("/data/"), browser.get("/data/")
    record = logging.makeLogRecord({})
    outside = tracing.NamesTheRequest().filter(record)
    token = tracing.request_id.set("abc")
    tracing.NamesTheRequest().filter(record)
    tracing.request_id.reset(token)

    assert first.json()["id"] == first["X-Request-Id"]
    assert len(first["X-Request-Id"]) == 12
    assert first["X-Request-Id"] != second["X-Request-Id"]
    assert outside
    assert record.request_id == "abc"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("site", "status"), [("same-origin", 200), ("none", 200), ("cross-site", 403), ("same-site", 403)]
)
def test_a_change_begun_by_another_site_is_refused(site: str, status: int, browser: Client) -> None:
    response = browser.post("/pour/", headers={"sec-fetch-site": site})

    assert response.status_code == status
    assert ("Open Tiski itself" in response.text) is (status == 403)
    assert browser.get("/page/", headers={"sec-fetch-site": site}).status_code == 200


def test_browsers_that_say_nothing_and_signed_webhooks_are_not_refused(browser: Client) -> None:
    assert browser.post("/pour/").status_code == 200
    assert browser.post("/webhook/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_a63_no_action_runs_inside_a_safe_method(method: str) -> None:
    with pytest.raises(ChangeInSafeMethod):
        getattr(Client(), method)("/pour/")
    assert Client().post("/pour/").content == b"poured"


@pytest.mark.parametrize(
    ("name", "status", "retry_after"),
    [
        ("not-found", 404, None),
        ("not-allowed", 403, None),
        ("conflict", 409, None),
        ("invalid", 422, None),
        ("too-many", 429, "30"),
        ("unavailable", 503, "5"),
        ("full", 507, "30"),
        ("http404", 404, None),
        ("denied", 403, None),
        ("too-big", 413, None),
        ("locked", 503, "5"),
        ("disk", 507, "30"),
        ("enospc", 507, "30"),
        ("defect", 500, None),
    ],
)
def test_every_kind_of_refusal_has_its_status(name: str, status: int, retry_after: str | None, browser: Client) -> None:
    response = browser.get(f"/trouble/{name}/")

    assert response.status_code == status
    assert response.get("Retry-After") == retry_after
    assert response["Content-Type"].startswith("text/html")
    assert "Accept" in response["Vary"]
    assert response["Cache-Control"] == "private, no-store"


def test_a_page_says_the_sentence_escaped_with_code_and_request(browser: Client) -> None:
    response = browser.get("/trouble/conflict/")

    assert "Someone spilt &lt;the tea&gt;. Pour again." in response.text
    assert "tests.tea_spilt" in response.text
    assert response["X-Request-Id"] in response.text
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]


def test_htmx_gets_one_notice_for_its_corner(browser: Client) -> None:
    response = browser.post("/trouble/conflict/", headers={"hx-request": "true"})

    assert response.status_code == 409
    assert (response["HX-Retarget"], response["HX-Reswap"]) == ("#toasts", "beforeend")
    assert "Someone spilt &lt;the tea&gt;. Pour again." in response.text
    assert "<html" not in response.text


@pytest.mark.parametrize(
    "accept", ["application/json", "application/problem+json", "application/json, text/html;q=0.5"]
)
def test_programs_get_a_problem(accept: str, browser: Client) -> None:
    response = browser.get("/trouble/invalid/", headers={"accept": accept})

    assert response.status_code == 422
    assert response["Content-Type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "Something in the form is not right. Correct it and send it again.",
        "code": "invalid",
        "field": "email",
        "request_id": response["X-Request-Id"],
    }


def test_a_refusal_speaks_the_readers_language(browser: Client) -> None:
    from django.utils import translation

    with translation.override("fi"):
        finnish = str(NotFound())
    response = browser.get("/trouble/not-found/", headers={"accept": "application/json", "accept-language": "fi"})

    assert response.json()["detail"] == finnish


def test_a31_something_of_others_looks_like_nothing_at_all(browser: Client) -> None:
    def body(address: str) -> str:
        response = browser.get(address)
        assert response.status_code == 404
        return response.text.replace(response["X-Request-Id"], "")

    assert body("/trouble/not-found/") == body("/trouble/http404/") == body("/no/such/page/")


def test_a_broken_host_is_refused_with_a_page_that_loads_nothing(settings: Settings, browser: Client) -> None:
    settings.ALLOWED_HOSTS = ["desk.example.com"]
    response = browser.get("/page/", headers={"host": "evil.example"})

    assert response.status_code == 400
    assert response["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "evil.example" not in response.text


def test_a_refusal_that_cannot_be_drawn_is_still_said(browser: Client, settings: Settings) -> None:
    settings.TEMPLATES = []
    response = browser.get("/trouble/full/")

    assert response.status_code == 507
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert (
        response.text
        == "The server's disk is full, so nothing was saved. Free some space on the server, then try again.\n"
    )


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationalError("database is locked"), 503),
        (OperationalError("database table is locked: kernel_fact"), 503),
        (OperationalError("database or disk is full"), 507),
        (OperationalError("disk I/O error"), 503),
        (OperationalError("attempt to write a readonly database"), 503),
        (OperationalError("unable to open database file"), 503),
        (driver_error(psycopg.errors.DiskFull("no space")), 507),
        (driver_error(psycopg.errors.LockNotAvailable("lock")), 503),
        (driver_error(psycopg.errors.DeadlockDetected("deadlock")), 503),
        (driver_error(psycopg.errors.SerializationFailure("serialise")), 503),
        (driver_error(psycopg.errors.AdminShutdown("terminating")), 503),
        (driver_error(psycopg.errors.TooManyConnections("too many")), 503),
        (driver_error(psycopg.errors.UndefinedColumn("column"), ProgrammingError), None),
        (ProgrammingError("no such thing"), None),
        (DatabaseError("something else"), None),
        (OSError(errno.EPIPE, "pipe"), None),
        (KeyError("tea"), None),
        (None, None),
    ],
)
def test_f11_trouble_of_the_database_is_told_from_a_defect(error: Any, status: int | None) -> None:
    refusal = as_refusal(error)

    assert (refusal and status_of(refusal)) == status


def test_every_kind_has_a_status_and_subclasses_share_it() -> None:
    assert [status_of(kind) for kind in (TeaSpilt(), NotFound(), StorageFull(), Unavailable())] == [409, 404, 507, 503]
