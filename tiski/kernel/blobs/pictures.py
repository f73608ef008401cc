"""Pictures are drawn anew when they are stored: what is shown inside a page holds no byte of the sender's.

Position, camera and owner (EXIF, XMP, comments) are gone with that; orientation and colours are applied to the pixels.
"""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass
from typing import Any, BinaryIO

from PIL import Image, ImageCms, ImageOps, ImageSequence

from .errors import PictureDamaged, PictureTooLarge

MOST_PIXELS = 40_000_000
# All frames of a moving picture together; past this only the first frame is kept.
MOST_MOVING_PIXELS = 20_000_000
LARGEST_PROFILE = 1_000_000
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP"}

# Our own cap is stricter and is asked before a pixel is decoded; Pillow's would only print a warning.
Image.MAX_IMAGE_PIXELS = None

# 40 megapixels take 160 MB while they are drawn: one picture at a time in each process.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Drawn:
    """The new bytes, with width and height in pixels as shown."""

    content: bytes
    width: int
    height: int


def redraw(source: BinaryIO, content_type: str) -> Drawn:
    """Draw the picture anew, in the same format; raises PictureTooLarge or PictureDamaged."""
    with _one_at_a_time:
        try:
            return _encoded(_decoded(source, content_type), content_type)
        except PictureTooLarge:
            raise
        except Exception as error:  # decoders fail in many ways; each means the same to the sender
            raise PictureDamaged from error


@dataclass(frozen=True, slots=True)
class _Decoded:
    frames: list[Image.Image]
    durations: list[int]
    loop: int


def _decoded(source: BinaryIO, content_type: str) -> _Decoded:
    with Image.open(source, formats=[FORMATS[content_type]]) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise PictureTooLarge(megapixels=MOST_PIXELS // 1_000_000)
        if not _moves(picture):
            return _Decoded([_still(picture)], [], 0)
        frames = [_bare(frame.convert("RGBA")) for frame in ImageSequence.Iterator(picture)]
        durations = [_duration(picture, position) for position in range(len(frames))]
        return _Decoded(frames, durations, int(picture.info.get("loop", 0)))


def _moves(picture: Image.Image) -> bool:
    count = getattr(picture, "n_frames", 1)
    return picture.format in {"GIF", "WEBP"} and 1 < count <= MOST_MOVING_PIXELS // (picture.width * picture.height)


def _duration(picture: Image.Image, position: int) -> int:
    """Milliseconds a frame is shown; browsers slow faster ones down to 100 as well."""
    picture.seek(position)
    wanted = int(picture.info.get("duration", 100) or 100)
    return min(max(wanted, 20), 10_000)


def _still(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    upright = ImageOps.exif_transpose(picture)
    upright.load()
    if picture.format == "JPEG" and upright.mode not in {"L", "RGB", "CMYK"}:
        upright = upright.convert("RGB")
    if upright.mode in {"P", "PA", "1"} and picture.format == "WEBP":
        upright = upright.convert("RGBA")
    return _bare(_in_srgb(upright, profile))


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Phones photograph in wider colour spaces; without their profile the colours would look pale."""
    if profile and len(profile) <= LARGEST_PROFILE and picture.mode in {"RGB", "RGBA", "CMYK"}:
        try:
            converted = ImageCms.profileToProfile(
                picture,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGBA" if picture.mode == "RGBA" else "RGB",
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None
        if converted is not None:
            return converted
    return picture.convert("RGB") if picture.mode == "CMYK" else picture


def _bare(picture: Image.Image) -> Image.Image:
    """Without any of the text and profiles that Pillow would write back on its own."""
    transparency = picture.info.get("transparency")
    picture.info = {} if transparency is None else {"transparency": transparency}
    return picture


def _encoded(decoded: _Decoded, content_type: str) -> Drawn:
    """Into memory, because Pillow hides a full disk behind an "encoder error"."""
    options: dict[str, Any] = {}
    if content_type == "image/jpeg":
        options = {"quality": 88}
    if content_type == "image/webp":
        options = {"quality": 88, "method": 3}
    first, *more = decoded.frames
    if more:
        options |= {"save_all": True, "append_images": more, "duration": decoded.durations, "loop": decoded.loop}
    if more and content_type == "image/gif":
        options |= {"disposal": 2}
    written = io.BytesIO()
    first.save(written, FORMATS[content_type], **options)
    return Drawn(written.getvalue(), first.width, first.height)
