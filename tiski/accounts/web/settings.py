"""Settings of the shop and its brand: each section a form of its own that saves by itself."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tiski.accounts import actions as accounts
from tiski.accounts import typed
from tiski.accounts.colours import ink_on
from tiski.accounts.policies import ShopRequest, requires, runs_the_shop
from tiski.kernel.errors import Refusal
from tiski.ui.page import wants_partial

from .forms import BrandForm, ShopForm
from .pages import page
from .pictures import keep_picture

GET_OR_POST = ["GET", "HEAD", "POST"]


@requires(runs_the_shop)
@never_cache
@require_http_methods(GET_OR_POST)
def shop_settings(request: ShopRequest) -> HttpResponse:
    """Name, language and timezone."""
    shop = request.shop
    if request.method != "POST":
        return page(request, "accounts/settings_shop.html", form=_shop_form(request))
    form = ShopForm(request.POST)
    if form.is_valid():
        try:
            accounts.update_shop(shop, **form.cleaned_data, by=request.actor)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            return saved(request, "accounts/settings_shop.html", form=_shop_form(request))
    return page(request, "accounts/settings_shop.html", status=422, form=form)


@requires(runs_the_shop)
@never_cache
@require_http_methods(GET_OR_POST)
def brand_settings(request: ShopRequest) -> HttpResponse:
    """Colour and logo; with a colour in the query, how that colour would look."""
    if wants_partial(request) and "colour" in request.GET:
        return _preview(request, request.GET["colour"])
    if request.method != "POST":
        return _brand_page(request, _brand_form(request))
    form = BrandForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            logo = _logo(request, form)
            accounts.update_brand(request.shop, colour=form.cleaned_data["colour"], logo=logo, by=request.actor)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            return saved(
                request, "accounts/settings_brand.html", form=_brand_form(request), **_look(request.shop.colour)
            )
    return _brand_page(request, form, status=422)


def saved(request: ShopRequest, template: str, **context: Any) -> HttpResponse:
    """What a saved section answers: its own part again with a notice, or for a plain browser the page anew."""
    if wants_partial(request):
        return page(request, template, saved=_("Saved."), **context)
    messages.success(request, _("Saved."))
    return redirect(request.path)


def _shop_form(request: ShopRequest) -> ShopForm:
    shop = request.shop
    return ShopForm(initial={"name": shop.name, "language": shop.language, "timezone": shop.timezone})


def _brand_form(request: ShopRequest) -> BrandForm:
    return BrandForm(initial={"colour": request.shop.colour})


def _brand_page(request: ShopRequest, form: BrandForm, status: int = 200) -> HttpResponse:
    template = "accounts/settings_brand.html"
    return page(request, template, status=status, form=form, **_look(request.shop.colour))


def _preview(request: ShopRequest, colour: str) -> HttpResponse:
    try:
        look = _look(typed.colour(colour))
    except Refusal:
        look = _look(request.shop.colour)
    return page(request, "accounts/_brand_preview.html", **look)


def _look(colour: str) -> dict[str, Any]:
    return {"colour": colour, "ink": ink_on(colour)}


def _logo(request: ShopRequest, form: BrandForm) -> str | None:
    """The new logo's blob, empty to have none, None to leave it."""
    if form.cleaned_data["logo"]:
        try:
            return keep_picture(request.shop.pk, form.cleaned_data["logo"])
        except Refusal as refusal:
            refusal.field = "logo"
            raise
    return "" if form.cleaned_data["remove_logo"] else None
