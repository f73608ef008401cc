"""Faces and logos: public, because customers see them, and found only by their random id."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_safe
from PIL import Image, ImageOps, UnidentifiedImageError

from tiski.accounts.errors import NotAPicture
from tiski.accounts.models import Agent, Shop
from tiski.accounts.policies import public
from tiski.kernel import blobs
from tiski.kernel.errors import NotFound

LARGEST = 5 * 1024 * 1024
MOST_PIXELS = 40_000_000
SIDE = 512
FORMATS = ("PNG", "JPEG", "WEBP")


@public
@require_safe
def picture(request: HttpRequest, blob_id: str) -> StreamingHttpResponse:
    """A face or a logo; any other file is not found here, whoever asks."""
    shown = Agent.objects.filter(photo=blob_id).exists() or Shop.objects.filter(logo=blob_id).exists()
    blob = blobs.Blob.unscoped.filter(pk=blob_id).first() if shown else None
    if blob is None:
        raise NotFound
    headers = blobs.response_headers(blob, inline=True, cross_origin=True)
    response = StreamingHttpResponse(blobs.stream(blob), headers=headers)
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def keep_picture(shop_id: int | None, upload: UploadedFile[Any]) -> str:
    """Store an uploaded picture, at most 512 pixels a side, and return its blob's id. Refuses what is no picture."""
    if upload.size is None or upload.size > LARGEST:
        raise blobs.FileTooLarge(megabytes=LARGEST // (1024 * 1024))
    small = BytesIO()
    try:
        with Image.open(upload, formats=FORMATS) as original:
            if original.width * original.height > MOST_PIXELS:
                raise NotAPicture
            upright = ImageOps.exif_transpose(original)
            upright.thumbnail((SIDE, SIDE))
            kind = "PNG" if upright.has_transparency_data or original.format == "PNG" else "JPEG"
            upright.convert("RGBA" if kind == "PNG" else "RGB").save(small, kind, quality=88)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as bad:
        raise NotAPicture from bad
    return blobs.store(shop_id, upload.name or "", small.getvalue()).id
