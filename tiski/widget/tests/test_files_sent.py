"""Files in the chat: picker, paste, drag; refused in words; progress and cancel (widget.md W9)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tiski.testing.storefronts.desk import Desk
from tiski.testing.storefronts.shopper import Shopper, told

pytestmark = pytest.mark.browser

Enter = Callable[..., Shopper]
PDF = {"name": "kuitti.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n%%EOF\n"}
DROP = """(panel, kind) => {
  const carried = new DataTransfer();
  carried.items.add(new File(["Vihreä, 100 g"], "lista.txt", { type: "text/plain" }));
  const target = kind === "paste" ? panel.querySelector("textarea") : panel;
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true })
    : new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true });
  target.dispatchEvent(event);
}"""


def test_a_receipt_travels_with_its_message(enter: Enter, desk: Desk) -> None:
    ada = enter("plain").open_chat()
    ada.attach(PDF)
    expect(ada.host.get_by_role("button", name=told("Remove %(name)s", name="kuitti.pdf"))).to_be_visible()
    ada.say("Tässä kuitti")
    expect(ada.host.locator(".message--sent")).to_have_count(1)
    expect(ada.host.locator(".tray__item")).to_have_count(0)
    expect(ada.bubbles.get_by_role("link", name=told("Download %(name)s", name="kuitti.pdf"))).to_be_visible()
    ada.page.reload()
    expect(ada.bubbles.get_by_role("link", name=told("Download %(name)s", name="kuitti.pdf"))).to_have_attribute(
        "href", re.compile(re.escape(f"{desk.address}/w/{desk.key}/files/"))
    )


def test_what_cannot_be_sent_is_told_in_words(enter: Enter, tmp_path: Path) -> None:
    large = tmp_path / "iso.pdf"
    large.touch()
    os.truncate(large, 26 * 1024 * 1024)
    ada = enter("plain").open_chat()
    notice = ada.host.locator(".notice")
    ada.attach({"name": "ohjelma.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ"})
    expect(notice).to_have_text(
        told("%(name)s cannot be sent. Send a picture, a video, a PDF or a document.", name="ohjelma.exe")
    )
    ada.attach({"name": "tyhja.txt", "mimeType": "text/plain", "buffer": b""})
    expect(notice).to_have_text(told("%(name)s is empty.", name="tyhja.txt"))
    ada.attach(large)
    expect(notice).to_have_text(
        told(
            "%(name)s is too large. A file may be at most %(limit)s.",
            name="iso.pdf",
            limit=told("%(size)s MB", size=25),
        )
    )
    expect(ada.host.locator(".tray__item")).to_have_count(0)


def test_files_can_be_pasted_and_dropped(enter: Enter) -> None:
    ada = enter("plain").open_chat()
    panel = ada.host.locator(".panel")
    panel.evaluate(DROP, "paste")
    expect(ada.host.locator(".tray__item")).to_have_count(1)
    panel.evaluate(DROP, "dragover")
    expect(ada.host.get_by_text(told("Drop the files here"))).to_be_visible()
    panel.evaluate(DROP, "drop")
    expect(ada.host.locator(".tray__item")).to_have_count(2)
    expect(ada.host.get_by_text(told("Drop the files here"))).to_be_hidden()


def test_a_message_waits_for_its_file_and_leaves_by_itself(enter: Enter) -> None:
    ada = enter("plain").open_chat()
    held: list[Route] = []
    ada.page.route(
        "**/files/", lambda route: held.append(route) if route.request.method == "POST" else route.continue_()
    )
    ada.attach(PDF)
    expect(ada.host.get_by_role("progressbar", name=told("Sending %(name)s", name="kuitti.pdf"))).to_be_visible()
    ada.field.fill("Odottaa liitettä")
    ada.field.press("Enter")
    expect(ada.host.locator(".notice")).to_have_text(told("The message leaves as soon as the file is up."))
    expect(ada.bubbles).to_have_count(0)
    held[0].continue_()
    expect(ada.host.locator(".message--sent")).to_have_count(1)


def test_a_file_on_its_way_can_be_cancelled(enter: Enter) -> None:
    ada = enter("plain").open_chat()
    held: list[Route] = []
    ada.page.route(
        "**/files/", lambda route: held.append(route) if route.request.method == "POST" else route.continue_()
    )
    ada.attach(PDF)
    ada.host.get_by_role("button", name=told("Remove %(name)s", name="kuitti.pdf")).click()
    expect(ada.host.locator(".tray__item")).to_have_count(0)
    ada.say("Ilman liitettä")
    expect(ada.host.locator(".message--sent")).to_have_count(1)
    expect(ada.bubbles.get_by_role("link")).to_have_count(0)


def test_a_refused_file_says_why_and_blocks_nothing_once_removed(enter: Enter) -> None:
    ada = enter("plain").open_chat()
    ada.screen.expect_trouble("files|507")
    refusal = '{"t":"refused","code":"full","text":"Tallennustila on täynnä."}'
    cors = {"access-control-allow-origin": "*", "access-control-allow-headers": "authorization, content-type"}
    ada.page.route(
        "**/files/",
        lambda route: route.fulfill(status=507, body=refusal, headers=cors, content_type="application/json"),
    )
    ada.attach(PDF)
    expect(ada.host.locator(".notice")).to_have_text("Tallennustila on täynnä.")
    ada.field.fill("Meneekö silti?")
    ada.field.press("Enter")
    expect(ada.host.locator(".notice")).to_have_text(
        told("%(name)s was not sent. Remove it and try again.", name="kuitti.pdf")
    )
    ada.host.get_by_role("button", name=told("Remove %(name)s", name="kuitti.pdf")).click()
    ada.field.press("Enter")
    expect(ada.host.locator(".message--sent")).to_have_count(1)
