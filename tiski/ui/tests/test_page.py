"""Pages for browsers, partials for htmx, and how both look."""

from dataclasses import dataclass

import jinja2
import pytest
from django.http import HttpRequest
from django.template import TemplateDoesNotExist, engines
from django.test import RequestFactory
from django.utils import translation

from tiski.ui import page
from tiski.ui.web import csrf_failed

PARTIAL = {"HX-Request-Type": "partial"}


@dataclass
class Reader:
    """The profile of someone signed in, as far as pages look at it."""

    theme: str = ""
    density: str = ""


def test_a_browser_gets_the_page(rf: RequestFactory) -> None:
    response = page.show(rf.get("/"), "ui/404.html", status=404)
    assert response.status_code == 404
    assert response.content.startswith(b"<!doctype html>")
    assert response["Vary"] == "HX-Request-Type"


def test_htmx_gets_the_partial_beside_the_page(rf: RequestFactory) -> None:
    response = page.show(rf.get("/", headers=PARTIAL), "ui/toast.html", text="Suljettu")
    assert response.content.startswith(b'<div class="toast"')
    assert b"Suljettu" in response.content
    assert response["Vary"] == "HX-Request-Type"


def test_a_page_without_a_partial_is_answered_whole(rf: RequestFactory) -> None:
    response = page.show(rf.get("/", headers=PARTIAL), "ui/404.html")
    assert response.content.startswith(b"<!doctype html>")


def test_a_restored_history_entry_gets_the_page(rf: RequestFactory) -> None:
    request = rf.get("/", headers=PARTIAL | {"HX-History-Restore-Request": "true"})
    assert not page.wants_partial(request)
    with pytest.raises(TemplateDoesNotExist, match=r"ui/toast\.html"):
        page.show(request, "ui/toast.html", text="Suljettu")


def test_an_undefined_name_is_a_mistake(rf: RequestFactory) -> None:
    with pytest.raises(jinja2.UndefinedError, match="'text' is undefined"):
        page.show(rf.get("/"), "ui/_toast.html")


@pytest.mark.parametrize(
    ("reader", "theme", "density"),
    [
        (Reader("dark", "compact"), "dark", "compact"),
        (Reader(), "", "comfortable"),
        (Reader('"><script>', "dense"), "", "comfortable"),
        (None, "", "comfortable"),
    ],
)
def test_the_page_looks_as_the_reader_chose(
    rf: RequestFactory, reader: Reader | None, theme: str, density: str
) -> None:
    request = rf.get("/")
    request.user = reader  # type: ignore[assignment]
    with translation.override("sv"):
        assert page.look(request) == {"language": "sv", "theme": theme, "density": density}


def test_errors_can_be_drawn_without_a_request() -> None:
    drawn = engines["jinja2"].get_template("500.html").render()
    assert '<html lang="' in drawn
    assert 'data-density="comfortable"' in drawn


def test_a_refusal_names_its_code_and_its_request(rf: RequestFactory) -> None:
    response = page.show(
        rf.get("/"), "ui/refusal.html", sentence="Se on jo suljettu.", code="a.closed", request_id="k7"
    )
    drawn = response.content.decode()
    assert "Se on jo suljettu." in drawn
    assert "a.closed" in drawn
    assert "k7" in drawn


def test_a_stale_token_is_refused_with_a_fresh_one(rf: RequestFactory) -> None:
    request: HttpRequest = rf.post("/")
    response = csrf_failed(request, "CSRF token missing.")
    assert response.status_code == 403
    assert response["X-CSRFToken"]
    assert request.META["CSRF_COOKIE_NEEDS_UPDATE"]
