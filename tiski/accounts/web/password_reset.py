"""A forgotten password: asking for a letter, and choosing a new password behind its link."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from tiski.accounts import actions as accounts
from tiski.accounts.letters import reset_links
from tiski.accounts.models import Agent
from tiski.accounts.policies import actor_of, public
from tiski.kernel import limits
from tiski.kernel.tokens import BadToken

from .forms import NewPasswordForm, ResetRequestForm
from .pages import TELLS_NO_PATH, page

LETTERS_TO_AN_ADDRESS = 3, 3600.0
LETTERS_FROM_AN_ADDRESS = 20, 3600.0


@public
@never_cache
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for a letter. The answer is the same whether or not anyone signs in with the address."""
    form = ResetRequestForm(request.POST or None)
    if request.method != "POST":
        return page(request, "accounts/reset_ask.html", form=form)
    if not form.is_valid():
        return page(request, "accounts/reset_ask.html", status=422, form=form)
    email = form.cleaned_data["email"].lower()
    _limit(request.META.get("REMOTE_ADDR", ""), email)
    accounts.request_password_reset(email)
    return redirect("account_reset_password_done")


@public
@never_cache
def asked(request: HttpRequest) -> HttpResponse:
    """What happens next, if the address was right."""
    return page(request, "accounts/reset_asked.html")


@public
@never_cache
@sensitive_post_parameters("password")
def choose(request: HttpRequest, agent: int, token: str) -> HttpResponse:
    """Choose a new password. The address holds the token, so no other page may learn it."""
    response = _choose(request, agent, token)
    response["Referrer-Policy"] = TELLS_NO_PATH
    return response


def _choose(request: HttpRequest, agent_id: int, token: str) -> HttpResponse:
    agent = Agent.objects.filter(pk=agent_id, is_active=True).first()
    if agent is None or not reset_links.check_token(agent, token):
        return page(request, "accounts/reset_gone.html", status=404)
    if request.method != "POST":
        return page(request, "accounts/reset_choose.html", form=NewPasswordForm(agent=agent))
    form = NewPasswordForm(request.POST, agent=agent)
    if not form.is_valid():
        return page(request, "accounts/reset_choose.html", status=422, form=form)
    try:
        accounts.reset_password(agent, password=form.cleaned_data["password"], by=actor_of(agent))
    except BadToken:
        return page(request, "accounts/reset_gone.html", status=404)
    messages.success(request, _("Your password was changed. Sign in with the new one."))
    return redirect("account_login")


def _limit(address: str, email: str) -> None:
    for key, (limit, per) in (
        (f"reset/to/{email}", LETTERS_TO_AN_ADDRESS),
        (f"reset/from/{address}", LETTERS_FROM_AN_ADDRESS),
    ):
        limits.allow_stored(key, limit=limit, per=per)
