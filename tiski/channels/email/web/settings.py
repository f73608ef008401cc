"""Settings of mailboxes: adding, changing, checking, switching, and what came in and could not be read."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tiski.accounts.policies import ShopRequest, requires, runs_the_shop
from tiski.channels.email import actions as mail
from tiski.channels.email import health as words
from tiski.channels.email import queries as mail_queries
from tiski.channels.email import reasons
from tiski.channels.email.errors import NoSuchMailbox
from tiski.channels.email.mailbox import KIND, mailbox_of
from tiski.conversations import actions as conversations
from tiski.conversations import queries
from tiski.conversations.models import ChannelAccount, InboundRaw
from tiski.kernel.errors import Refusal
from tiski.ui.page import show

from .forms import MailboxForm, initial_of
from .providers import PROVIDERS, initial_for


@requires(runs_the_shop)
@never_cache
@require_safe
def mailboxes(request: ShopRequest) -> HttpResponse:
    """Every mailbox of the shop, and the mail that could not be read."""
    accounts = list(ChannelAccount.objects.filter(kind=KIND).order_by("name"))
    unread = queries.received(state="quarantined")
    rows = [
        (account, words.sides(account, mail_queries.read_at(account)), account.settings.get("demo", False))
        for account in accounts
    ]
    set_aside = [(raw, reasons.in_words(raw.reason), reasons.is_worth_another_try(raw.reason)) for raw in unread]
    return _page(request, "email/mailboxes.html", mailboxes=rows, unread=set_aside)


@requires(runs_the_shop)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: ShopRequest) -> HttpResponse:
    """Add a mailbox."""
    chosen = request.GET.get("provider", "")
    form = MailboxForm(request.POST or None, initial=initial_for(chosen))
    if request.method == "POST" and form.is_valid():
        try:
            account = mail.add_mailbox(form.settings(), form.passwords(), by=request.actor)
        except Refusal as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            return redirect("mail-mailbox", shop=request.shop.key, account_id=account.id)
    known = {"providers": PROVIDERS, "chosen": chosen}
    return _page(request, "email/mailbox.html", status=422 if form.is_bound else 200, form=form, account=None, **known)


@requires(runs_the_shop)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mailbox(request: ShopRequest, account_id: int) -> HttpResponse:
    """One mailbox: its health and its settings."""
    account = _account(account_id)
    mailbox = mailbox_of(account)
    form = MailboxForm(request.POST or None, initial=initial_of(mailbox), kept=mailbox)
    if request.method == "POST" and form.is_valid():
        try:
            mail.change_mailbox(account, form.settings(), form.passwords(), by=request.actor)
        except Refusal as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            messages.success(request, _("Saved."))
            return redirect("mail-mailbox", shop=request.shop.key, account_id=account.id)
    status = 422 if form.is_bound else 200
    return _page(request, "email/mailbox.html", status=status, form=form, **_health(account))


@requires(runs_the_shop)
@never_cache
@require_safe
def health(request: ShopRequest, account_id: int) -> HttpResponse:
    """The mailbox's health alone, as news of it asks for."""
    return show(request, "email/_health.html", **_health(_account(account_id)))


@requires(runs_the_shop)
@require_POST
def check(request: ShopRequest, account_id: int) -> HttpResponse:
    """Have a worker try both servers."""
    account = _account(account_id)
    mail.ask_for_check(account, by=request.actor)
    if request.headers.get("HX-Request") == "true":
        return show(request, "email/_health.html", **_health(account))
    return redirect("mail-mailbox", shop=request.shop.key, account_id=account_id)


@requires(runs_the_shop)
@require_POST
def switch(request: ShopRequest, account_id: int) -> HttpResponse:
    """Switch the mailbox on or off; its conversations stay."""
    account = _account(account_id)
    conversations.switch_channel(account, on=not account.is_on, by=request.actor)
    return redirect("mail-mailbox", shop=request.shop.key, account_id=account_id)


@requires(runs_the_shop)
@require_POST
def replay(request: ShopRequest, raw_id: int) -> HttpResponse:
    """Try to read a mail again that was set aside."""
    raw = InboundRaw.objects.filter(id=raw_id).first()
    if raw is None:
        raise NoSuchMailbox
    conversations.replay(raw, by=request.actor)
    messages.success(request, _("The message is being read again."))
    return redirect("mail-settings", shop=request.shop.key)


def _account(account_id: int) -> ChannelAccount:
    account = ChannelAccount.objects.filter(id=account_id, kind=KIND).first()
    if account is None:
        raise NoSuchMailbox
    return account


def _health(account: ChannelAccount) -> dict[str, Any]:
    return {
        "account": account,
        "sides": words.sides(account, mail_queries.read_at(account)),
        "recovered": words.recovered(account),
        "recovered_span": words.recovered_span(account),
        "set_aside": mail_queries.set_aside(account),
        "checking": bool(account.health.get("checking")),
        "is_demo": bool(account.settings.get("demo")),
    }


def _page(request: ShopRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
    return show(request, template, status=status, notices=messages.get_messages(request), **context)
