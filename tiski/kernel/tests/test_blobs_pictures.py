"""Pictures: drawn anew when they are stored, shown inline, and harmless whatever they were."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, PngImagePlugin
from pytest_django.fixtures import Settings

from tiski.kernel import blobs
from tiski.kernel.blobs import ANYTHING, Blob
from tiski.kernel.blobs.sniffing import ACCEPTED

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def files(settings: Settings, tmp_path: Path) -> Path:
    settings.TISKI_DATA = tmp_path
    return tmp_path / "blobs"


def picture(kind: str = "JPEG", size: tuple[int, int] = (40, 20), mode: str = "RGB", **options: object) -> bytes:
    """A small picture of tea, left half red and right half green."""
    image = Image.new(mode, size, "red" if mode in {"RGB", "RGBA", "P"} else 128)
    if mode in {"RGB", "RGBA"}:
        image.paste((0, 160, 0), (size[0] // 2, 0, size[0], size[1]))
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def content(blob: Blob) -> bytes:
    """Every stored byte."""
    return b"".join(blobs.stream(blob))


def stored_picture(blob: Blob) -> Image.Image:
    return Image.open(io.BytesIO(content(blob)))


def kept(folder: Path) -> list[Path]:
    """Every file below the folder of files."""
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a16_a_picture_is_drawn_anew_and_keeps_nothing_of_its_sender(kind: str) -> None:
    secret = b"<script>alert('4711')</script>"
    original = picture(kind, mode="P" if kind == "GIF" else "RGB") + secret
    blob = blobs.store(7, "kuva", original)
    stored = content(blob)

    assert secret not in stored
    assert blob.content_type == f"image/{kind.lower()}"
    assert (blob.width, blob.height, blob.is_picture) == (40, 20, True)
    assert blob.sha256 == hashlib.sha256(stored).hexdigest()
    assert blob.size == len(stored)
    assert stored_picture(blob).size == (40, 20)


def test_where_and_with_what_a_picture_was_taken_is_not_kept() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "KAMERA-4711"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    comments = PngImagePlugin.PngInfo()
    comments.add_text("Comment", "KOMMENTTI-4711")
    for kind, options in (
        ("JPEG", {"exif": exif, "comment": b"KOMMENTTI-4711", "xmp": b"<x:xmpmeta>XMP-4711"}),
        ("PNG", {"exif": exif, "pnginfo": comments}),
        ("WEBP", {"exif": exif, "xmp": b"XMP-4711"}),
    ):
        original = picture(kind, **options)
        stored = content(blobs.store(7, "kuva", original))
        assert b"4711" in original
        assert b"4711" not in stored, kind
        assert not Image.open(io.BytesIO(stored)).getexif(), kind


def test_a_picture_taken_sideways_stands_upright() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    blob = blobs.store(7, "kuva.jpg", picture(exif=exif))

    assert (blob.width, blob.height) == (20, 40)
    red, _green, _blue = stored_picture(blob).getpixel((10, 5))  # type: ignore[misc]
    assert red > 200


def test_transparency_and_movement_survive() -> None:
    frames = [Image.new("RGBA", (30, 30), colour) for colour in ((255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255))]
    for kind in ("GIF", "WEBP"):
        written = io.BytesIO()
        frames[0].save(written, kind, save_all=True, append_images=frames[1:], duration=[100, 200, 300], loop=0)
        blob = blobs.store(7, "liikkuva", written.getvalue())
        assert stored_picture(blob).n_frames == 3, kind  # type: ignore[attr-defined]
    still = blobs.store(7, "logo.png", picture("PNG", mode="RGBA"))
    assert stored_picture(still).mode == "RGBA"


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "P"), ("PNG", "I;16"), ("PNG", "1"), ("WEBP", "RGBA")]
)
def test_pictures_of_every_colour_mode_can_be_sent(kind: str, mode: str) -> None:
    written = io.BytesIO()
    Image.new(mode, (10, 10)).save(written, kind)

    assert blobs.store(7, "kuva", written.getvalue()).width == 10


def test_a28_a_picture_of_too_many_pixels_is_refused_before_it_is_drawn() -> None:
    written = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(written, "PNG")
    with pytest.raises(blobs.PictureTooLarge, match="40 megapixels"):
        blobs.store(7, "pommi.png", written.getvalue())

    kept_anyway = blobs.store(7, "pommi.png", written.getvalue(), accept=ANYTHING)
    assert (kept_anyway.content_type, kept_anyway.is_picture) == ("application/octet-stream", False)


@pytest.mark.parametrize("damage", ["cut", "head only", "noise"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_damaged_picture_is_refused_and_a_mail_keeps_it_as_a_download(kind: str, damage: str, files: Path) -> None:
    whole = picture(kind, size=(200, 200), mode="P" if kind == "GIF" else "RGB")
    content = {"cut": whole[: len(whole) // 2], "head only": whole[:14], "noise": whole[:16] + b"\x5a\xa5" * 250}[
        damage
    ]
    with pytest.raises(blobs.PictureDamaged, match="Save it again"):
        blobs.store(7, "kuva", content)
    assert kept(files) == []

    assert blobs.store(7, "kuva", content, accept=ANYTHING).content_type == "application/octet-stream"


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["JPEG", "PNG", "GIF", "WEBP"]), st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_a_tampered_picture_is_stored_or_refused_and_nothing_else(kind: str, position: int, noise: bytes) -> None:
    whole = picture(kind, mode="P" if kind == "GIF" else "RGB")
    try:
        blob = blobs.store(7, "kuva", whole[:position] + noise + whole[position + len(noise) :])
    except (blobs.PictureDamaged, blobs.PictureTooLarge, blobs.FileTypeRefused):
        return
    assert blob.content_type in ACCEPTED


def test_only_pictures_are_shown_inline_and_only_when_asked() -> None:
    blob = blobs.store(7, "kuva.png", picture("PNG"))

    assert blobs.response_headers(blob, inline=True)["Content-Disposition"] == 'inline; filename="kuva.png"'
    assert blobs.response_headers(blob)["Content-Disposition"] == 'attachment; filename="kuva.png"'
    assert blobs.response_headers(blob, cross_origin=True)["Cross-Origin-Resource-Policy"] == "cross-origin"
    text = blobs.store(7, "a.txt", b"tea")
    assert blobs.response_headers(text)["Content-Type"] == "text/plain; charset=utf-8"


def test_a_response_sends_the_bytes_with_our_headers_alone() -> None:
    blob = blobs.store(7, "kuva.html.png", picture("PNG"))
    response = blobs.response(blob, inline=True)

    assert b"".join(response.streaming_content) == content(blob)  # type: ignore[arg-type]
    assert dict(response.headers) == blobs.response_headers(blob, inline=True)
    response.close()
