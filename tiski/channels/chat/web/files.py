"""Files that visitors send and receive. Uploads bring the visitor's token, downloads a signature."""

from __future__ import annotations

from typing import BinaryIO, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from tiski.accounts.policies import public
from tiski.channels.chat import queries
from tiski.channels.chat.queries import Widget
from tiski.conversations import actions as conversations
from tiski.kernel import blobs, limits, tokens
from tiski.kernel.action import SYSTEM
from tiski.kernel.errors import Invalid, NotAllowed, NotFound, Refusal, TooMany
from tiski.kernel.live import refused
from tiski.kernel.models import Blob
from tiski.kernel.scope import shop_scope
from tiski.kernel.statuses import status_of
from tiski.kernel.tokens import BadToken

UPLOADS = (20, 600.0)
"""Files one visitor may send within ten minutes."""


@public
@csrf_exempt
def upload(request: HttpRequest, key: str) -> HttpResponse:
    """Keep one file until its message is sent; the answer is `{id, name, size, type}` or a `refused` frame."""
    widget = queries.widget(key)
    if request.method == "OPTIONS":
        return _shared(request, widget, HttpResponse(status=204))
    try:
        return _shared(request, widget, _keep(request, widget))
    except Refusal as refusal:
        return _shared(request, widget, _refusal(refusal))


@public
@require_GET
def download(request: HttpRequest, key: str, blob_id: str) -> HttpResponseBase:
    """The file a signed link names; pictures are shown, everything else is a download."""
    widget = queries.widget(key)
    if tokens.verify("chat-file", request.GET.get("sign", ""), shop=widget.shop_id) != blob_id:
        raise BadToken
    blob = Blob.unscoped.filter(id=blob_id, shop_id=widget.shop_id).first()
    if blob is None:
        raise NotFound
    response = blobs.response(blob, inline=True)
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _keep(request: HttpRequest, widget: Widget) -> HttpResponse:
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST, OPTIONS"})
    if not _allowed_origin(request, widget):
        raise NotAllowed
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    hashed = queries.token_hash(token.strip() if scheme.lower() == "bearer" else "")
    limits.allow(f"chat-file:{widget.shop_id}:{hashed}", limit=UPLOADS[0], per=UPLOADS[1])
    limits.allow(f"chat-file:{request.META.get('REMOTE_ADDR')}", limit=UPLOADS[0] * 5, per=UPLOADS[1])
    file = request.FILES.get("file")
    if file is None:
        raise Invalid(field="file")
    blob = blobs.store(widget.shop_id, file.name or "", cast("BinaryIO", file))
    with shop_scope(widget.shop_id):
        conversations.add_upload(blob, token_hash=hashed, by=SYSTEM)
    return JsonResponse({"id": blob.id, "name": blob.name, "size": blob.size, "type": blob.content_type})


def _refusal(refusal: Refusal) -> HttpResponse:
    frame = refused(refusal)
    told = {"t": "refused", "code": frame.code, "text": frame.text, "retry_after": frame.retry_after}
    response = JsonResponse(told, status=status_of(refusal))
    if isinstance(refusal, TooMany):
        response["Retry-After"] = str(refusal.retry_after)
    return response


def _allowed_origin(request: HttpRequest, widget: Widget) -> bool:
    origin = request.headers.get("Origin", "")
    return origin in widget.domains or origin == f"{request.scheme}://{request.get_host()}"


def _shared(request: HttpRequest, widget: Widget, response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["Origin"])
    response["Cache-Control"] = "no-store"
    if _allowed_origin(request, widget):
        response["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response["Access-Control-Allow-Headers"] = "authorization, content-type"
        response["Access-Control-Allow-Methods"] = "POST"
        response["Access-Control-Max-Age"] = "7200"
    return response
