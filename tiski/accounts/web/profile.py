"""One's own account: name, face, language, look, and the browsers that are signed in."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tiski.accounts import actions as accounts
from tiski.accounts import queries
from tiski.accounts.policies import AgentRequest, signed_in
from tiski.accounts.sessions import hashed
from tiski.kernel.errors import Refusal

from .devices import browser_of, is_phone, system_of
from .forms import PictureForm, ProfileForm
from .pages import page
from .pictures import keep_picture


@signed_in
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: AgentRequest) -> HttpResponse:
    """Name, language and look."""
    if request.method != "POST":
        return _page(request)
    form = ProfileForm(request.POST)
    if form.is_valid():
        try:
            accounts.update_profile(request.user, **form.cleaned_data, by=request.actor)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            translation.activate(request.user.language)
            messages.success(request, _("Saved."))
            return redirect("accounts_profile")
    return _page(request, status=422, form=form)


@signed_in
@require_POST
def photo(request: AgentRequest) -> HttpResponse:
    """One's own face, new or removed."""
    form = PictureForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            _keep_photo(request, form)
        except Refusal as refusal:
            form.add_error("picture", str(refusal))
        else:
            messages.success(request, _("Saved."))
            return redirect("accounts_profile")
    return _page(request, status=422, photo_form=form)


@signed_in
@never_cache
def sessions(request: AgentRequest) -> HttpResponse:
    """The browsers in which one is signed in."""
    rows = queries.sessions_of(request.user, current=request.session.session_key)
    return page(request, "accounts/sessions.html", sessions=[_described(row) for row in rows], home=_home(request))


@signed_in
@require_POST
def end_session(request: AgentRequest, session: str) -> HttpResponse:
    """Sign one browser out from afar."""
    accounts.end_session(request.user, session, by=request.actor)
    messages.success(request, _("That browser has been signed out."))
    return redirect("accounts_sessions")


@signed_in
@require_POST
def end_other_sessions(request: AgentRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    accounts.end_other_sessions(request.user, keep=hashed(request.session.session_key or ""), by=request.actor)
    messages.success(request, _("Everywhere else you have been signed out."))
    return redirect("accounts_sessions")


def _page(request: AgentRequest, status: int = 200, **forms: Any) -> HttpResponse:
    agent = request.user
    stored = {name: getattr(agent, name) for name in ProfileForm.base_fields}
    given = {"form": ProfileForm(initial=stored), "photo_form": PictureForm()} | forms
    return page(request, "accounts/profile.html", status=status, agent=agent, home=_home(request), **given)


def _keep_photo(request: AgentRequest, form: PictureForm) -> None:
    if form.cleaned_data["remove"]:
        accounts.set_photo(request.user, "", by=request.actor)
    elif form.cleaned_data["picture"]:
        accounts.set_photo(request.user, keep_picture(None, form.cleaned_data["picture"]), by=request.actor)


def _described(row: queries.SessionRow) -> dict[str, Any]:
    return {
        "row": row,
        "browser": browser_of(row.device),
        "system": system_of(row.device),
        "is_phone": is_phone(row.device),
    }


def _home(request: AgentRequest) -> queries.ShopChoice | None:
    return queries.first_shop(request.user)
