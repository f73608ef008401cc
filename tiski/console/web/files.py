"""Files in the console: uploads of agents, downloads of a shop's own files, and mails as they came."""

from __future__ import annotations

from typing import BinaryIO, cast

from django.http import HttpResponse, HttpResponseBase
from django.views.decorators.http import require_POST, require_safe

from tiski.accounts.policies import ShopRequest, answers, reads_inbox, requires
from tiski.conversations import actions as conversations
from tiski.conversations.models import Attachment, RawBytes
from tiski.conversations.queries import opened
from tiski.kernel import blobs
from tiski.kernel.errors import Invalid, NotFound, Refusal
from tiski.kernel.models import Blob
from tiski.ui.page import show


@requires(answers)
@require_POST
def upload(request: ShopRequest, conversation_id: int) -> HttpResponse:
    """Keep a file for the next answer; what is refused comes back with the reason beside its name."""
    opened(conversation_id)
    file = request.FILES.get("file")
    if file is None:
        raise Invalid(field="file")
    try:
        blob = blobs.store(request.shop.id, file.name or "", cast("BinaryIO", file))
        conversations.add_upload(blob, by=request.actor)
    except Refusal as refusal:
        return show(request, "console/_file.html", status=422, file=file, refused=str(refusal))
    return show(request, "console/_file.html", file=blob, refused="")


@requires(reads_inbox)
@require_safe
def download(request: ShopRequest, blob_id: str) -> HttpResponseBase:
    """A file of one of this shop's conversations; pictures are shown, everything else is a download."""
    if not Attachment.objects.filter(blob_id=blob_id).exists():
        raise NotFound
    blob = Blob.unscoped.filter(id=blob_id, shop_id=request.shop.id).first()
    if blob is None:
        raise NotFound
    return blobs.response(blob, inline=True)


@requires(reads_inbox)
@require_safe
def original(request: ShopRequest, raw_id: int) -> HttpResponseBase:
    """A received mail exactly as it came, to be saved and looked at outside the browser."""
    content = RawBytes.objects.filter(item_id=raw_id).values_list("data", flat=True).first()
    if content is None:
        raise NotFound
    headers = {
        "Content-Disposition": f'attachment; filename="message-{raw_id}.eml"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(bytes(content), content_type="message/rfc822", headers=headers)
