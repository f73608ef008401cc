"""The demo shop's pages: a shop like any other, which knows Tiski by one script tag only."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import get_language
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tiski.accounts.policies import public, signed_in
from tiski.demo import actions as demonstration
from tiski.demo import catalogue, queries
from tiski.demo.money import euros
from tiski.kernel.action import Actor
from tiski.kernel.errors import NotFound
from tiski.ui.page import show

CART_COOKIE = "demo_cart"
MOST_TINS = 20


@public
@require_GET
def front(request: HttpRequest) -> HttpResponse:
    """The front page with every tea."""
    return _page(request, "demo/front.html", teas=catalogue.TEAS)


@public
@require_GET
def product(request: HttpRequest, slug: str) -> HttpResponse:
    """One tea."""
    tea = catalogue.BY_SLUG.get(slug)
    if tea is None:
        raise NotFound
    others = [other for other in catalogue.TEAS if other.kind == tea.kind and other is not tea]
    return _page(request, "demo/product.html", tea=tea, others=others or catalogue.TEAS[:2])


@public
@require_http_methods(["GET", "HEAD", "POST"])
def cart(request: HttpRequest) -> HttpResponse:
    """The cart; a POST sets how many tins of one tea lie in it."""
    tins = _tins(request)
    if request.method == "POST":
        return _changed(request, tins)
    lines = [(catalogue.BY_SLUG[slug], number, catalogue.BY_SLUG[slug].price * number) for slug, number in tins.items()]
    goods = sum((total for _tea, _number, total in lines), Decimal(0))
    shipping = Decimal(0) if goods >= catalogue.FREE_SHIPPING_FROM or not lines else catalogue.SHIPPING
    return _page(request, "demo/cart.html", lines=lines, goods=goods, shipping=shipping, total=goods + shipping)


@public
@require_GET
def order(request: HttpRequest) -> HttpResponse:
    """A sample order page: one of the places where customers ask for help."""
    lines = [(catalogue.BY_SLUG["kuusenkerkka"], 2), (catalogue.BY_SLUG["rooibos-pulla"], 1)]
    total = sum((tea.price * number for tea, number in lines), Decimal(0)) + catalogue.SHIPPING
    return _page(request, "demo/order.html", lines=lines, shipping=catalogue.SHIPPING, total=total)


@signed_in
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Remove the demo shop with everything in it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    demonstration.remove(by=actor)
    return redirect("/")


def _page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    shop = queries.demo_shop()
    if shop is None:
        raise NotFound
    lang = _language(request)
    with translation.override(lang):
        tins = sum(_tins(request).values())
        response = show(request, template, shop=shop, tins=tins, lang=lang, euros=euros, **context)
    if "lang" in request.GET:
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, lang, max_age=365 * 86400, samesite="Lax")
    return response


def _language(request: HttpRequest) -> str:
    wanted = request.GET.get("lang") or request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    return wanted if wanted in dict(settings.LANGUAGES) else get_language() or settings.LANGUAGE_CODE


def _changed(request: HttpRequest, tins: dict[str, int]) -> HttpResponse:
    slug, number = request.POST.get("tea", ""), request.POST.get("tins", "")
    if slug in catalogue.BY_SLUG and number.isdecimal():
        wanted = tins.get(slug, 0) + int(number) if request.POST.get("add") else int(number)
        tins[slug] = min(wanted, MOST_TINS)
    response = redirect("demo-cart")
    kept = {slug: number for slug, number in tins.items() if number}
    response.set_cookie(CART_COOKIE, json.dumps(kept), max_age=7 * 86400, httponly=True, samesite="Lax")
    return response


def _tins(request: HttpRequest) -> dict[str, int]:
    try:
        kept = json.loads(request.COOKIES.get(CART_COOKIE, "{}"))
        return {slug: min(int(kept[slug]), MOST_TINS) for slug in catalogue.BY_SLUG if int(kept.get(slug, 0)) > 0}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}
