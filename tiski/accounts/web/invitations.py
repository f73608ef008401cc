"""Accepting an invitation: the link opens a page, only its button does anything."""

from __future__ import annotations

from allauth.account.utils import perform_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from tiski.accounts import actions as accounts
from tiski.accounts.letters import invitation_behind
from tiski.accounts.models import Agent, Invitation, Language, Shop
from tiski.accounts.policies import actor_of, public
from tiski.kernel.action import SYSTEM
from tiski.kernel.errors import Refusal

from .forms import JoinForm
from .pages import TELLS_NO_PATH, page


@public
@never_cache
@sensitive_post_parameters("password")
def invitation(request: HttpRequest, shop: str, token: str) -> HttpResponse:
    """The invitation behind a link. The address holds the token, so no other page may learn it."""
    response = _answer(request, _invitation(shop, token))
    response["Referrer-Policy"] = TELLS_NO_PATH
    return response


def _invitation(shop_key: str, token: str) -> Invitation | None:
    shop = Shop.objects.filter(key=shop_key).first()
    return None if shop is None else invitation_behind(shop.pk, token)


def _answer(request: HttpRequest, asked: Invitation | None) -> HttpResponse:
    if asked is None:
        return page(request, "accounts/invitation_gone.html", status=404)
    if isinstance(request.user, Agent):
        return _answer_agent(request, asked, request.user)
    if Agent.objects.filter(email=asked.email).exists():
        return page(request, "accounts/invitation_sign_in.html", invitation=asked)
    return _answer_newcomer(request, asked)


def _answer_agent(request: HttpRequest, asked: Invitation, agent: Agent) -> HttpResponse:
    if agent.email != asked.email:
        return page(request, "accounts/invitation_of_another.html", status=403, invitation=asked)
    if request.method != "POST":
        return page(request, "accounts/invitation_accept.html", invitation=asked)
    accounts.accept_invitation(asked, agent=agent, by=actor_of(agent))
    return redirect("/")


def _answer_newcomer(request: HttpRequest, asked: Invitation) -> HttpResponse:
    newcomer = Agent(email=asked.email)
    if request.method != "POST":
        return page(request, "accounts/invitation_join.html", invitation=asked, form=JoinForm(agent=newcomer))
    form = JoinForm(request.POST, agent=newcomer)
    if form.is_valid():
        try:
            agent = accounts.join_by_invitation(
                asked,
                name=form.cleaned_data["name"],
                password=form.cleaned_data["password"],
                language=_language(asked),
                by=SYSTEM,
            )
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            response: HttpResponse = perform_login(request, agent, redirect_url="/")
            return response
    return page(request, "accounts/invitation_join.html", status=422, invitation=asked, form=form)


def _language(asked: Invitation) -> str:
    spoken = get_language() or ""
    return spoken if spoken in Language.values else asked.shop.language
