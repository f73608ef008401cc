"""Files in the console: going up, coming down, and never into another shop."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from tiski.accounts.models import Agent
from tiski.conversations import actions as conversations
from tiski.conversations.models import Attachment, Conversation
from tiski.kernel.models import Blob
from tiski.testing.world import World

from .conftest import PARTIAL

Browser = Callable[[Agent], Client]


def upload(client: Client, conversation: Conversation, name: str, content: bytes) -> Any:
    """Add a file to the composer."""
    address = f"/teepuoti/conversations/{conversation.id}/files/"
    return client.post(address, {"file": SimpleUploadedFile(name, content)}, headers=PARTIAL)


def look_at(client: Client, blob: str) -> Any:
    """Fetch a file of the shop."""
    return client.get(f"/teepuoti/files/{blob}/")


def picture() -> bytes:
    """A small picture."""
    content = BytesIO()
    Image.new("RGB", (64, 40), (15, 91, 80)).save(content, "PNG")
    return content.getvalue()


def send(client: Client, conversation: Conversation, blob: str) -> str:
    """Send an answer with one file."""
    given = {"mode": "reply", "body": "Tässä.", "client_id": str(uuid4()), "seen_seq": "1", "files": blob}
    text: str = client.post(f"/teepuoti/conversations/{conversation.id}/sending/", given).content.decode()
    return text


def test_a_picture_goes_up_and_is_shown_in_the_answer(mia: Client, ada: Conversation) -> None:
    answer = upload(mia, ada, "purkki.png", picture())
    assert answer.status_code == 200
    blob = Blob.unscoped.get()
    assert f'name="files" value="{blob.id}"' in answer.content.decode()
    text = send(mia, ada, blob.id)
    assert f'<img src="/teepuoti/files/{blob.id}/"' in text
    shown = look_at(mia, blob.id)
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/png")
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert shown["Content-Disposition"].startswith("inline")
    assert b"".join(shown.streaming_content).startswith(b"\x89PNG")


def test_a_file_that_is_refused_comes_back_with_the_reason(mia: Client, ada: Conversation) -> None:
    answer = upload(mia, ada, "lasku.exe", b"MZ\x90\x00" + b"\x00" * 200)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "lasku.exe" in text
    assert 'class="field-error"' in text
    assert Attachment.unscoped.count() == 0


def test_an_upload_without_a_file_is_refused(mia: Client, ada: Conversation) -> None:
    assert mia.post(f"/teepuoti/conversations/{ada.id}/files/", headers=PARTIAL).status_code == 422


def test_a_file_of_another_shop_is_not_found(
    kahvila: World, browser_of: Browser, mia: Client, ada: Conversation
) -> None:
    upload(mia, ada, "purkki.png", picture())
    blob = Blob.unscoped.get().id
    shown = look_at(mia, blob)
    assert shown.status_code == 200
    assert b"".join(shown.streaming_content).startswith(b"\x89PNG")
    otto = browser_of(kahvila.noor)
    assert otto.get(f"/kahvila/files/{blob}/").status_code == 404
    assert otto.get(f"/teepuoti/files/{blob}/").status_code == 404
    assert mia.get(f"/teepuoti/files/{'0' * 32}/").status_code == 404


def test_a_file_of_a_colleague_cannot_be_sent(mia: Client, noor: Client, ada: Conversation) -> None:
    upload(noor, ada, "purkki.png", picture())
    assert "no longer available" in send(mia, ada, Blob.unscoped.get().id)


def test_files_that_wait_in_a_draft_stand_in_the_composer(mia: Client, ada: Conversation) -> None:
    upload(mia, ada, "purkki.png", picture())
    blob = Blob.unscoped.get().id
    given = {"mode": "reply", "body": "Tässä.", "version": "0", "files": blob}
    mia.post(f"/teepuoti/conversations/{ada.id}/draft/", given)
    page = mia.get(f"/teepuoti/inbox/open/conversations/{ada.id}/").content.decode()
    assert f'name="files" value="{blob}"' in page
    send(mia, ada, blob)
    page = mia.get(f"/teepuoti/inbox/open/conversations/{ada.id}/").content.decode()
    assert f'name="files" value="{blob}"' not in page


def test_taking_an_answer_back_gives_its_files_back(mia: Client, ada: Conversation) -> None:
    upload(mia, ada, "purkki.png", picture())
    blob = Blob.unscoped.get().id
    send(mia, ada, blob)
    message = Attachment.unscoped.get(blob_id=blob).message_id
    answer = mia.post(f"/teepuoti/conversations/{ada.id}/messages/{message}/withdrawal/", headers=PARTIAL)
    assert f'name="files" value="{blob}"' in answer.content.decode()


def test_a_mail_is_saved_as_it_came_and_only_in_its_shop(
    world: World, kahvila: World, browser_of: Browser, mia: Client
) -> None:
    raw = b"From: ada@example.fi\r\nSubject: <script>\r\n\r\nHei\r\n"
    with world.scope():
        kept = conversations.store_raw(world.mailbox, raw=raw, dedupe_key="1")
    answer = mia.get(f"/teepuoti/originals/{kept.id}/")
    assert (answer.status_code, answer.content) == (200, raw)
    assert answer["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer["Content-Security-Policy"]
    assert browser_of(kahvila.noor).get(f"/kahvila/originals/{kept.id}/").status_code == 404
