"""A page of accounts with the notices that were left for it."""

from __future__ import annotations

from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse

from tiski.ui.page import show, wants_partial

TELLS_NO_PATH = "strict-origin"
"""Referrer policy of pages whose address holds a token: nobody learns more than our origin. `no-referrer` would be
stricter still, but it makes browsers post the page's own form with `Origin: null`, which the CSRF check refuses."""


def page(request: HttpRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
    """`show`, with what the last request wanted to be said; a fragment leaves that to the next page."""
    notices = [] if wants_partial(request) else get_messages(request)
    return show(request, template, status=status, notices=notices, **context)
