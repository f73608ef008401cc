"""Where everything is. What looks like one page is composed here, not by imports."""

from django.urls import URLPattern, URLResolver, include, path

from tiski.accounts.policies import public
from tiski.console.web.urls import at_work
from tiski.ui.web.pages import styleguide

urlpatterns: list[URLPattern | URLResolver] = [
    *at_work,
    path("_styleguide/", public(styleguide), name="styleguide"),
    path("", include("tiski.demo.web.urls")),
    path("", include("tiski.widget.web.urls")),
    path("", include("tiski.channels.chat.web.urls")),
    path("", include("tiski.accounts.web.urls")),
    path("", include("tiski.channels.email.web.urls")),
    path("", include("tiski.console.web.urls")),
]

handler400 = "tiski.kernel.middleware.bad_request"
handler403 = "tiski.kernel.middleware.permission_denied"
handler404 = "tiski.kernel.middleware.not_found"
handler500 = "tiski.kernel.middleware.server_error"
