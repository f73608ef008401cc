"""Settings of the chat windows: how each looks, where it may stand, and the tag that brings it to the shop's pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tiski.accounts.models import Language
from tiski.accounts.policies import ShopRequest, requires, runs_the_shop
from tiski.accounts.web.pages import page
from tiski.accounts.web.settings import saved
from tiski.console import actions as console
from tiski.console.errors import NoSuchChatWindow
from tiski.conversations import actions as conversations
from tiski.conversations.models import ChannelAccount
from tiski.kernel.errors import Refusal

from .forms import ChatWindowForm, NewChatWindowForm

WINDOW = "console/settings_widget.html"


@requires(runs_the_shop)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def windows(request: ShopRequest) -> HttpResponse:
    """The shop's first chat window, or an offer to make one; a POST makes one."""
    form = NewChatWindowForm(request.POST or None)
    if request.method == "POST":
        if form.is_valid():
            account = console.open_chat_window(name=form.cleaned_data["name"], by=request.actor)
            return redirect("widget-window", shop=request.shop.key, account_id=account.id)
        return page(request, "console/settings_no_widget.html", status=422, form=form)
    first = _windows().first()
    if first is None:
        return page(request, "console/settings_no_widget.html", form=form)
    return redirect("widget-window", shop=request.shop.key, account_id=first.id)


@requires(runs_the_shop)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def window(request: ShopRequest, account_id: int) -> HttpResponse:
    """One chat window: its settings, its preview, its tag."""
    account = _window(account_id)
    if request.method != "POST":
        return page(request, WINDOW, form=_form_of(request, account), **_around(request, account))
    form = ChatWindowForm(request.POST, language=request.shop.language)
    if form.is_valid():
        try:
            kept = {**account.settings, **form.settings()}
            conversations.change_channel(account, name=form.cleaned_data["name"], settings=kept, by=request.actor)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            return saved(request, WINDOW, form=_form_of(request, account), **_around(request, account))
    return page(request, WINDOW, status=422, form=form, **_around(request, account))


@requires(runs_the_shop)
@require_POST
def switch(request: ShopRequest, account_id: int) -> HttpResponse:
    """Let the chat window appear on the site, or stop it; its conversations stay."""
    account = _window(account_id)
    conversations.switch_channel(account, on=not account.is_on, by=request.actor)
    messages.success(request, _("The chat is on.") if account.is_on else _("The chat is off."))
    return redirect("widget-window", shop=request.shop.key, account_id=account_id)


def _windows() -> Any:
    return ChannelAccount.objects.filter(kind=console.CHAT).order_by("id")


def _window(account_id: int) -> ChannelAccount:
    found: ChannelAccount | None = _windows().filter(id=account_id).first()
    if found is None:
        raise NoSuchChatWindow
    return found


def _form_of(request: ShopRequest, account: ChannelAccount) -> ChatWindowForm:
    kept = account.settings
    welcome = kept.get("welcome") or {}
    initial = {
        "name": account.name,
        "position": kept.get("position", "end"),
        "theme": kept.get("theme", "auto"),
        "shows_people": "yes" if kept.get("shows_people", True) else "no",
        "domains": "\n".join(kept.get("domains") or ()),
        **{f"welcome_{code}": words for code, words in welcome.items()},
    }
    return ChatWindowForm(initial=initial, language=request.shop.language)


def _around(request: ShopRequest, account: ChannelAccount) -> dict[str, Any]:
    base = settings.TISKI_BASE_URL
    host = urlsplit(base)
    socket = f"{'wss' if host.scheme == 'https' else 'ws'}://{host.netloc}"
    return {
        "account": account,
        "windows": list(_windows()),
        "languages": Language.choices,
        "new_window": NewChatWindowForm(auto_id="new_%s"),
        "tag": f'<script async src="{base}{reverse("widget_loader")}" data-key="{account.key}"></script>',
        "policy": (
            f"script-src {base}; connect-src {base} {socket}; img-src {base} data: blob:; media-src {base} blob:"
        ),
        "hosted": f"{base}{reverse('widget_hosted', args=[account.key])}",
        "preview": reverse("widget_preview", args=[account.key]),
    }
