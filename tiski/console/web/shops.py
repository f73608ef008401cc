"""Opening a shop: the instance's owner only."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tiski.accounts.policies import AgentRequest, signed_in
from tiski.console import actions as console
from tiski.console.errors import MayNotOpenShops
from tiski.kernel.errors import Refusal
from tiski.ui.page import show

from .forms import NewShopForm


@signed_in
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: AgentRequest) -> HttpResponse:
    """Open a shop; it leads on to the tag for its pages."""
    if not request.user.is_owner_of_instance:
        raise MayNotOpenShops
    form = NewShopForm(request.POST or None, initial={"language": request.user.language})
    if request.method == "POST" and form.is_valid():
        try:
            shop = console.open_shop(**form.cleaned_data, timezone=settings.TIME_ZONE, by=request.actor)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            return redirect("widget-settings", shop=shop.key)
    return show(request, "console/new_shop.html", status=422 if form.is_bound else 200, form=form)
