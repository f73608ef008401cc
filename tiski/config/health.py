"""`/livez` and `/readyz` of the web half. They say yes or no, nothing else in public."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from tiski.accounts.policies import public
from tiski.kernel import health


@public
def alive(request: HttpRequest) -> HttpResponse:
    """The process turns its loop."""
    return HttpResponse("ok\n", content_type="text/plain")


@public
def ready(request: HttpRequest) -> HttpResponse:
    """A database write, disk, schema and lag are in order; else 503 with the names of what is not."""
    complaints = health.complaints()
    if complaints:
        return HttpResponse(f"not ready: {', '.join(complaints)}\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [path("livez", alive), path("readyz", ready)]
