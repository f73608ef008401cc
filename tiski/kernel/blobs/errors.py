"""Why a file was not taken."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from tiski.kernel.errors import Invalid, Unavailable


class FileTooLarge(Invalid):
    """More bytes than one file may have."""

    code = "blobs.too_large"
    sentence = _("The file is larger than %(megabytes)d MB. Send a smaller one, or send it in parts.")


class FileTypeRefused(Invalid):
    """Its bytes are of a kind that is not accepted, whatever its name says."""

    code = "blobs.type_refused"
    sentence = _("Files of this kind are not accepted. Send a picture, a PDF, a video, a text or an office document.")


class PictureTooLarge(Invalid):
    """More pixels than a page can show without choking."""

    code = "blobs.picture_too_large"
    sentence = _("The picture has more than %(megapixels)d megapixels. Make it smaller and send it again.")


class PictureDamaged(Invalid):
    """It begins like a picture and cannot be drawn."""

    code = "blobs.picture_damaged"
    sentence = _("The picture is damaged and cannot be opened. Save it again in another program and send that.")


class FilesUnavailable(Unavailable):
    """The folder of files cannot be read or written."""

    code = "blobs.unavailable"
    sentence = _("Files cannot be stored or read at the moment. Whoever runs this Tiski should check the data folder.")
