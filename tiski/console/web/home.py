"""Where an agent arrives."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from tiski.accounts import queries as accounts
from tiski.accounts.policies import AgentRequest, ShopRequest, reads_inbox, requires, runs_the_shop, signed_in
from tiski.ui.page import show

from .forms import NewShopForm


@signed_in
@require_safe
def start(request: AgentRequest) -> HttpResponse:
    """The inbox of the agent's first shop; without one, the owner of the instance may open it here."""
    shop = accounts.first_shop(request.user)
    if shop is None:
        form = NewShopForm(initial={"language": request.user.language}) if request.user.is_owner_of_instance else None
        return show(request, "console/no_shop.html", form=form)
    return redirect("console-inbox", shop=shop.key, view="open")


@requires(reads_inbox)
@require_safe
def shop(request: ShopRequest) -> HttpResponse:
    """The open conversations."""
    return redirect("console-inbox", shop=request.shop.key, view="open")


@requires(runs_the_shop)
@require_safe
def settings(request: ShopRequest) -> HttpResponse:
    """The first section of the settings."""
    return redirect("accounts_settings_shop", shop=request.shop.key)
