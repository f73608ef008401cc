"""Settings of the opening hours: the week, the exceptions, the holidays, and what follows from them."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tiski.accounts import actions as accounts
from tiski.accounts import holidays, queries
from tiski.accounts.policies import ShopRequest, requires, runs_the_shop
from tiski.kernel.errors import Refusal
from tiski.ui.page import wants_partial

from .hours_form import ExceptionForm, HoursForm, written
from .pages import page

PAGE = "accounts/settings_hours.html"
WEEK, EXCEPTIONS = "accounts/_hours_week.html", "accounts/_hours_exceptions.html"


@requires(runs_the_shop)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def hours_settings(request: ShopRequest) -> HttpResponse:
    """The week. A press on "add" brings an empty row and saves nothing."""
    if request.method != "POST":
        return page(request, PAGE, **_context(request))
    form = HoursForm.typed(request.POST)
    if "add" in request.POST:
        return _part(request, WEEK, form=form, is_changed=True)
    if form.is_valid():
        try:
            accounts.set_hours(request.shop, form.week, by=request.actor)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            return _saved(request, WEEK, _("Opening hours saved."))
    return _part(request, WEEK, status=422, form=form)


@requires(runs_the_shop)
@require_POST
def add_exception(request: ShopRequest) -> HttpResponse:
    """A date with hours of its own."""
    form = ExceptionForm.typed(request.POST)
    if form.is_valid():
        try:
            accounts.add_exception(request.shop, form.chosen, form.spans, reason=form.reason, by=request.actor)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            return _saved(request, EXCEPTIONS, _("Exception saved."))
    return _part(request, EXCEPTIONS, status=422, exception_form=form)


@requires(runs_the_shop)
@require_POST
def remove_exception(request: ShopRequest, exception: int) -> HttpResponse:
    """The ordinary week holds on that date again."""
    accounts.remove_exception(request.shop, exception, by=request.actor)
    return _saved(request, EXCEPTIONS, _("Exception removed."))


@requires(runs_the_shop)
@require_POST
def add_holidays(request: ShopRequest) -> HttpResponse:
    """Closed on the public holidays that were ticked."""
    ticked = set(request.POST.getlist("holiday"))
    chosen = [each for each in _coming_holidays() if each.date.isoformat() in ticked]
    count = accounts.add_holidays(request.shop, chosen, by=request.actor)
    told = ngettext("%(count)d holiday added.", "%(count)d holidays added.", count) % {"count": count}
    return _saved(request, EXCEPTIONS, told)


def _saved(request: ShopRequest, part: str, told: str) -> HttpResponse:
    if wants_partial(request):
        return page(request, part, saved=told, **_context(request))
    messages.success(request, told)
    return redirect("accounts_settings_hours", shop=request.shop.key)


def _part(request: ShopRequest, part: str, status: int = 200, **forms: Any) -> HttpResponse:
    return page(request, part if wants_partial(request) else PAGE, status=status, **_context(request, **forms))


def _context(request: ShopRequest, **forms: Any) -> dict[str, Any]:
    today = timezone.localdate()
    exceptions = queries.exceptions(since=today)
    taken = {each.date for each in exceptions}
    given = {
        "form": HoursForm.of(queries.week()),
        "exception_form": ExceptionForm(),
        "is_changed": False,
        "exceptions": exceptions,
        "holidays": [each for each in _coming_holidays() if each.date not in taken],
        "noon": _noon,
        "written": written,
        "state": queries.open_state(request.shop),
    }
    return given | forms


def _noon(day: date) -> datetime:
    """A moment that lies on the date in the shop's timezone, for the filters that write times."""
    return datetime.combine(day, time(12), tzinfo=timezone.get_current_timezone())


def _coming_holidays() -> list[holidays.Holiday]:
    """Public holidays of the next twelve months."""
    today = timezone.localdate()
    both = holidays.finnish(today.year) + holidays.finnish(today.year + 1)
    return [each for each in both if 0 <= (each.date - today).days < 366]
