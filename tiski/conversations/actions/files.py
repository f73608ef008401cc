"""Files on their way into a message: uploaded first, put to use by their uploader only."""

from __future__ import annotations

from collections.abc import Sequence

from tiski.conversations.errors import FileNotYours
from tiski.conversations.models import Attachment, Note
from tiski.kernel import clock, rows
from tiski.kernel.action import Actor, action
from tiski.kernel.models import Blob
from tiski.kernel.scope import current_shop

ATTACHMENT_COLUMNS = (
    "shop_id", "blob_id", "uploader", "name", "size", "content_type", "width", "height", "created_at",
)  # fmt: skip


def uploader_of(by: Actor, *, token_hash: str = "") -> str:
    """Whose upload it is: a visitor's by the hash of their token, everyone else's by who they are."""
    if token_hash:
        return f"visitor-{token_hash}"
    return by.kind.value if by.id is None else f"{by.kind.value}-{by.id}"


@action
def add_upload(blob: Blob, *, token_hash: str = "", by: Actor) -> Attachment:
    """Note that a stored file may be put into a message by whoever uploaded it. A visitor gives the token's hash."""
    if blob.shop_id != current_shop():
        raise FileNotYours(field="files")
    return Attachment.objects.create(
        shop_id=current_shop(),
        blob_id=blob.id,
        uploader=uploader_of(by, token_hash=token_hash),
        name=blob.name,
        size=blob.size,
        content_type=blob.content_type,
        width=blob.width,
        height=blob.height,
    )


@action
def add_uploads(blobs: Sequence[Blob], *, by: Actor) -> None:
    """The same for several files of the shop in scope, with one statement."""
    if any(blob.shop_id != current_shop() for blob in blobs):
        raise FileNotYours(field="files")
    now, uploader = rows.moment(clock.now()), uploader_of(by)
    values = [
        (blob.shop_id, blob.id, uploader, blob.name, blob.size, blob.content_type, blob.width, blob.height, now)
        for blob in blobs
    ]
    rows.insert_many("conversations_attachment", ATTACHMENT_COLUMNS, values)


@action
def drop_upload(blob_id: str, *, token_hash: str = "", by: Actor) -> None:
    """Forget an upload nobody has used; the bytes are swept later."""
    unused = Attachment.objects.filter(blob_id=blob_id, message__isnull=True, note__isnull=True)
    unused.filter(uploader=uploader_of(by, token_hash=token_hash)).delete()


def attach_to_note(note: Note, files: Sequence[str], by: Actor) -> None:
    """Put the agent's own unused uploads into a note, all or none; raises `FileNotYours`."""
    wanted = set(files)
    unused = Attachment.objects.filter(blob_id__in=wanted, message__isnull=True, note__isnull=True)
    if unused.filter(uploader=uploader_of(by)).update(note=note) != len(wanted):
        raise FileNotYours(field="files")
