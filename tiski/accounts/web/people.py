"""Settings of the people: who is in the shop, as what, and who is on their way."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tiski.accounts import actions as accounts
from tiski.accounts import queries
from tiski.accounts.errors import NotAMember
from tiski.accounts.models import Membership, Role
from tiski.accounts.policies import ShopRequest, may, owns_the_shop, requires, runs_the_shop
from tiski.accounts.sessions import hashed
from tiski.kernel.errors import Refusal

from .forms import InviteForm, RoleForm
from .pages import page

PAGE = "accounts/settings_people.html"


@requires(runs_the_shop)
@never_cache
@require_http_methods(["GET", "HEAD"])
def people_settings(request: ShopRequest) -> HttpResponse:
    """Everyone in the shop."""
    return _page(request)


@requires(runs_the_shop, fresh=True)
@require_POST
def invite(request: ShopRequest) -> HttpResponse:
    """Ask someone to join."""
    form = InviteForm(request.POST)
    if form.is_valid():
        try:
            accounts.invite(request.shop, **form.cleaned_data, by=request.actor)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The invitation is on its way."))
            return _back(request)
    return _page(request, status=422, form=form)


@requires(runs_the_shop)
@require_POST
def withdraw_invitation(request: ShopRequest, invitation: int) -> HttpResponse:
    """Take an invitation back."""
    accounts.withdraw_invitation(request.shop, invitation, by=request.actor)
    messages.success(request, _("The invitation has been withdrawn."))
    return _back(request)


@requires(runs_the_shop, fresh=True)
@require_POST
def change_role(request: ShopRequest, member: int) -> HttpResponse:
    """Another role for a member."""
    form = RoleForm(request.POST)
    if form.is_valid():
        keep = hashed(request.session.session_key or "")
        return _do(request, accounts.change_role, member, to=form.cleaned_data["role"], keep_session=keep)
    return _page(request, status=422)


@requires(runs_the_shop)
@require_POST
def suspend(request: ShopRequest, member: int) -> HttpResponse:
    """Shut a member out for the time being."""
    return _do(request, accounts.suspend_member, member)


@requires(runs_the_shop)
@require_POST
def reinstate(request: ShopRequest, member: int) -> HttpResponse:
    """Let a suspended member in again."""
    return _do(request, accounts.reinstate_member, member)


@requires(runs_the_shop)
@require_POST
def remove(request: ShopRequest, member: int) -> HttpResponse:
    """End a membership."""
    return _do(request, accounts.remove_member, member)


@requires(runs_the_shop, fresh=True)
@require_POST
def take_back(request: ShopRequest, member: int) -> HttpResponse:
    """Undo a removal: in again with the same role."""
    gone = Membership.objects.filter(pk=member, left_at__isnull=False).select_related("agent").first()
    if gone is None:
        raise NotAMember
    accounts.add_member(request.shop, gone.agent, role=gone.role, by=request.actor)
    messages.success(request, _("%(name)s is in the shop again.") % {"name": gone.agent.name})
    return _back(request)


def _do(request: ShopRequest, act: Any, member_id: int, **given: Any) -> HttpResponse:
    member = Membership.objects.filter(pk=member_id, left_at__isnull=True).select_related("agent", "shop").first()
    if member is None:
        raise NotAMember
    try:
        act(member, **given, by=request.actor)
    except Refusal as refusal:
        return _page(request, status=409, refusal=str(refusal))
    messages.success(request, _("Saved."))
    return _back(request)


def _back(request: ShopRequest) -> HttpResponse:
    return redirect("accounts_settings_people", shop=request.shop.key)


def _page(request: ShopRequest, status: int = 200, **given: Any) -> HttpResponse:
    owns = may(owns_the_shop, request.membership)
    context = {
        "form": InviteForm(),
        "refusal": "",
        "members": queries.members(),
        "former": queries.former_members(),
        "invitations": queries.invitations(),
        "roles": [(role.value, role.label) for role in Role if owns or role is not Role.OWNER],
        "owns": owns,
    }
    return page(request, PAGE, status=status, **(context | given))
