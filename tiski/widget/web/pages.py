"""What the widget fetches, the chat as a page of its own, and the preview of the settings."""

from __future__ import annotations

import gzip
from functools import lru_cache

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import translation
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from tiski.accounts.policies import public, signed_in
from tiski.channels.chat import queries as chat
from tiski.channels.chat.errors import NoSuchWidget
from tiski.conversations.models import ChannelAccount
from tiski.kernel.errors import NotFound
from tiski.kernel.middleware import console_policy
from tiski.ui import statics
from tiski.ui.page import show
from tiski.widget.look import look_of, tried_on

from . import modules
from .config import config_bytes, config_for, config_of, supported, tag_of, widget_account
from .sample import sample_messages

LOADER_AGE = "public, max-age=300, stale-while-revalidate=86400"
CONFIG_AGE = "public, max-age=60, stale-while-revalidate=86400"
FOR_EVER = "public, max-age=31536000, immutable"
KEPT_SECONDS = 10
"""How long a finished config answers without asking the database: a shop's front page may bring fifty a second."""


@public
@require_safe
def loader(request: HttpRequest) -> HttpResponseBase:
    """The one script on a shop's page; it updates itself."""
    content_type = modules.FILES[modules.LOADER]
    return _shared(request, modules.file(modules.LOADER), content_type, LOADER_AGE)


@public
@require_safe
def module(request: HttpRequest, tree: str, name: str) -> HttpResponseBase:
    """A file of the widget at an address that changes with its content; strict shops pin the loader here."""
    if name not in modules.FILES:
        raise NotFound
    age = FOR_EVER if tree == statics.tree_hash() else LOADER_AGE
    return _shared(request, modules.file(name), modules.FILES[name], age)


@public
@require_safe
def config(request: HttpRequest, key: str) -> HttpResponseBase:
    """The widget's config in a language. Never sets a cookie and reads nothing about the visitor."""
    return _shared(request, _kept_config(key, request.GET.get("lang", "")), "application/json", CONFIG_AGE)


@public
@require_safe
def hosted(request: HttpRequest, key: str) -> HttpResponse:
    """The chat as a page: for links, QR codes, mail signatures, and shops that cannot add a script."""
    widget = chat.widget(key)
    account = _account(key)
    language = supported(
        request.GET.get("lang") or translation.get_language_from_request(request), account.shop.language
    )
    with translation.override(language):
        response = show(request, "widget/hosted.html", config=config_for(account, language))
    response["Content-Security-Policy"] = _strict(request, "'self'", *sorted(widget.domains))
    return response


@signed_in
@require_safe
def preview(request: HttpRequest, key: str) -> HttpResponse:
    """The widget over a drawn shop, with settings from the query that are not saved yet; nothing is sent anywhere."""
    account = _account(key)
    wishes = request.GET.dict()
    language = supported(wishes.get("lang", ""), account.shop.language)
    with translation.override(language):
        look = tried_on(look_of(account), {**wishes, "lang": language})
        tried = {**config_of(look, language), "sample": sample_messages(look)}
        response = show(request, "widget/preview.html", config=tried)
    response["Content-Security-Policy"] = _strict(request, "'self'")
    return response


def _kept_config(key: str, lang: str) -> bytes:
    """The config, built at most every ten seconds for each language."""
    language = supported(lang, "")
    place = f"widget-config:{statics.tree_hash()}:{key}:{language}"
    kept: bytes | None = cache.get(place)
    if kept is not None:
        return kept
    content = config_bytes(config_for(_account(key), language))
    cache.set(place, content, KEPT_SECONDS)
    return content


def _account(key: str) -> ChannelAccount:
    account = widget_account(key)
    if account is None:
        raise NoSuchWidget
    return account


def _shared(request: HttpRequest, content: bytes, content_type: str, age: str) -> HttpResponseBase:
    """A public answer for the scripts of any page, compressed for those who can read that."""
    zipped = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(_zipped(content) if zipped else content, content_type=content_type)
    if zipped:
        response["Content-Encoding"] = "gzip"
    response["Cache-Control"] = age
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["ETag"] = etag = tag_of(content)
    patch_vary_headers(response, ["Accept-Encoding"])
    return get_conditional_response(request, etag=etag, response=response) or response


@lru_cache(maxsize=256)
def _zipped(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)


def _strict(request: HttpRequest, *framed_by: str) -> str:
    """The console's content policy for pages that others may frame; the widget holds no HTML strings to trust."""
    return f"{console_policy(request, framed_by=' '.join(framed_by))}; require-trusted-types-for 'script'"
