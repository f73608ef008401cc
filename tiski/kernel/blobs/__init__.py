"""Files of customers and agents: bytes under random ids, types found in the bytes, one way to store and one to serve.

blob = blobs.store(shop.id, upload.name, upload)              # what visitors and agents may send
blob = blobs.lay(shop.id, part.name, part.bytes, accept=blobs.ANYTHING)     # what a mail brought; always a download
blobs.enter([blob])                                         # its row, in the transaction that puts the file to use
return blobs.response(blob, inline=True)                      # inline only for pictures, which were drawn anew
"""

from __future__ import annotations

from tiski.kernel.errors import StorageFull
from tiski.kernel.models.blobs import Blob

from .errors import FilesUnavailable, FileTooLarge, FileTypeRefused, PictureDamaged, PictureTooLarge
from .serving import open_blob, response, response_headers, stream
from .sniffing import ACCEPTED, ANYTHING
from .storing import LIMIT, enter, folder, lay, make_room_or_refuse, path_of, store
from .sweeping import remove, sweep

__all__ = [
    "ACCEPTED",
    "ANYTHING",
    "LIMIT",
    "Blob",
    "FileTooLarge",
    "FileTypeRefused",
    "FilesUnavailable",
    "PictureDamaged",
    "PictureTooLarge",
    "StorageFull",
    "enter",
    "folder",
    "lay",
    "make_room_or_refuse",
    "open_blob",
    "path_of",
    "remove",
    "response",
    "response_headers",
    "store",
    "stream",
    "sweep",
]
