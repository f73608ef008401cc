"""A stage for the browser elements: real templates and modules over a small server that remembers what it is asked."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import ThreadingHTTPServer
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest
from django.core.files.uploadedfile import UploadedFile
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.utils import translation

from tiski.kernel import clock
from tiski.ui import statics
from tiski.ui.showcase import Entry, File, Row, world
from tiski.ui.web import styleguide

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MACROS = """
{%- from "ui/components.html" import news, empty -%}
{%- from "ui/parts/_row.html" import row_items, rows -%}
{%- from "ui/parts/_message.html" import entries -%}
{%- from "ui/parts/_thread.html" import thread -%}
{%- from "ui/parts/_header.html" import header -%}
{%- from "ui/parts/_composer.html" import composer, composer_file, collision -%}
{%- from "ui/parts/_customer.html" import customer -%}
"""
PANE = """
<title>Keskustelu {{ id }}</title>
<main class="main" id="main" tabindex="-1" data-pane>
  <div class="conversation" data-opens-pane data-conversation="{{ id }}">
    {{ header(head, urls, world.people, 1) }}
    {% call thread(id, url="/messages/", read_url="/read/") %}{{ entries(items) }}{% endcall %}
    {{ composer(box, urls, csrf_input) }}
  </div>
</main>
{{ customer(world.panel) }}
"""
NOTHING = '<title>Saapuneet</title><main class="main" id="main" tabindex="-1" data-pane><h1>Saapuneet</h1></main>'
PAGE = (
    '{% extends "ui/frame.html" %}'
    + MACROS
    + """
{% block title %}Saapuneet{% endblock %}
{% block nav %}<ul><li><a class="nav-link" href="/c/4/" data-key="g-m">Omat</a></li></ul>{% endblock %}
{% block list %}
{% call rows("/row/{key}/", url="/rows/") %}
{{ row_items(rows_shown, id) }}
{% endcall %}
{% endblock %}
{% block pane %}{% if id %}"""
    + PANE
    + "{% else %}"
    + NOTHING
    + """{% endif %}{% endblock %}
{% block news %}{{ news("/live/", "/news/", 5) }}{% endblock %}
"""
)


@dataclass
class Stage:
    """The console on a stage. `mode` makes the next answers go wrong; `asked` lists the writes in order."""

    address: str = ""
    mode: str = ""
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)
    closed: set[int] = field(default_factory=set)
    items: list[Entry] = field(default_factory=list)
    changed: dict[int, str] = field(default_factory=dict)
    news: list[dict[str, object]] = field(default_factory=list)
    polls: int = 0
    seq: int = 3

    def __post_init__(self) -> None:
        self.world = world()
        self.items = list(self.world.entries)

    def bodies(self, path: str) -> list[dict[str, list[str]]]:
        """What was posted to an address, in order."""
        return [body for asked, body in self.asked if asked == path]

    def acts(self) -> list[str]:
        """Where writes went that a person decided on: not read marks, not drafts."""
        return [path for path, _ in self.asked if path not in {"/read/", "/draft/"}]

    def customer_says(self, text: str) -> None:
        """Ada writes one more message."""
        self.seq += 1
        said = Entry(
            dom_id=f"message-{self.seq}", kind="message", at=self._moment(), author_name="Ada Virtanen", text=text
        )
        self.items.append(replace(said, seq=self.seq))

    def _moment(self) -> datetime:
        """Just after the last entry: by the clock it would be another day when the tests run after midnight."""
        return self.items[-1].at + timedelta(seconds=1)

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The answer of the small server."""
        if request.method in {"POST", "DELETE"}:
            self.asked.append((request.path, dict(request.POST.lists())))
        name, _, rest = request.path.strip("/").partition("/")
        views: dict[str, Callable[[HttpRequest, str], HttpResponse]] = {
            "": self._page, "c": self._page, "row": self._row, "rows": self._rows, "messages": self._messages,
            "send": self._send, "draft": self._draft, "files": self._file, "closure": self._close,
            "assignment": self._assign, "header": self._header, "news": self._news,
        }  # fmt: skip
        if name == "_styleguide":
            return styleguide(request)
        view = views.get(name)
        return view(request, rest) if view else HttpResponse(status=204)

    def _page(self, request: HttpRequest, rest: str) -> HttpResponse:
        number = int(rest or 0)
        partial = request.headers.get("HX-Request-Type") == "partial"
        context: dict[str, Any] = {
            "id": number,
            "world": self.world,
            "rows_shown": self._shown(),
            "items": self.items,
            "urls": {**self.world.urls, "back": "/", "refresh": f"/header/{number}/", "closure": f"/closure/{number}/",
                     "assignment": "/assignment/", "send": "/send/", "draft": "/draft/", "files": "/files/"},
            "head": replace(self.world.head, id=number),
            "box": replace(self.world.box, conversation_id=number, seen_seq=self.seq),
        }  # fmt: skip
        source = (MACROS + (PANE if number else NOTHING)) if partial else PAGE
        return self._drawn(source, request, **context)

    def _shown(self) -> list[Row]:
        rows = [replace(row, href=f"/c/{row.id}/") for row in self.world.rows if row.id not in self.closed]
        return [
            replace(row, last_at=clock.now(), subject=self.changed.get(row.id, row.subject))
            if row.id in self.changed
            else row
            for row in rows
        ]

    def _row(self, request: HttpRequest, rest: str) -> HttpResponse:
        number = int(rest)
        if number in self.closed:
            return HttpResponse(status=204)
        known = next((row for row in self.world.rows if row.id == number), self.world.rows[0])
        subject = self.changed.get(number, "Uusi viesti")
        row = replace(known, id=number, last_at=clock.now(), subject=subject, href=f"/c/{number}/")
        return self._drawn(MACROS + "{{ row_items([row_shown]) }}", request, row_shown=row)

    def _rows(self, request: HttpRequest, _rest: str) -> HttpResponse:
        return self._drawn(MACROS + "{{ row_items(rows_shown) }}", request, rows_shown=self._shown())

    def _messages(self, request: HttpRequest, _rest: str) -> HttpResponse:
        after = int(request.GET["after"])
        items = [item for item in self.items if (item.seq or 0) > after]
        return self._drawn(MACROS + "{{ entries(items) }}", request, items=items)

    def _send(self, request: HttpRequest, _rest: str) -> HttpResponse:
        if self.mode == "collision" and "anyway" not in request.POST:
            source = MACROS + "{{ collision(items, 9) }}"
            return self._drawn(source, request, status=409, items=self.items[:1])
        if self.mode == "full":
            return self._drawn(
                '{% include "ui/_toast.html" %}', request, status=507, text="Levy on täynnä", tone="error"
            )
        note = request.POST["mode"] == "note"
        self.seq += 0 if note else 1
        entry = Entry(
            dom_id=f"{'note' if note else 'message'}-{request.POST['client_id']}",
            kind="note" if note else "message",
            at=self._moment(), author_kind="agent", author_name="Mia Mäkinen", text=request.POST["body"],
            seq=None if note else self.seq, state="" if note else "sent",
        )  # fmt: skip
        if entry.dom_id not in {item.dom_id for item in self.items}:
            self.items.append(entry)
        return self._drawn(MACROS + "{{ entries([item], days=false) }}", request, item=entry)

    def _draft(self, request: HttpRequest, _rest: str) -> HttpResponse:
        return HttpResponse(status=204, headers={"Draft-Version": str(len(self.bodies("/draft/")))})

    def _file(self, request: HttpRequest, _rest: str) -> HttpResponse:
        sent = request.FILES["file"]
        assert isinstance(sent, UploadedFile)
        file = File(id="b" * 32, name=str(sent.name), size=int(sent.size or 0))
        refused = "Tiedosto on liian suuri." if self.mode == "full" else ""
        return self._drawn(MACROS + "{{ composer_file(file, refused) }}", request, file=file, refused=refused)

    def _close(self, request: HttpRequest, rest: str) -> HttpResponse:
        if self.mode == "stale" and request.headers.get("X-CSRFToken") != "fresh":
            return HttpResponse("stale", status=403, headers={"X-CSRFToken": "fresh"})
        self.closed.add(int(rest))
        return self._drawn('{% include "ui/_toast.html" %}', request, text="Keskustelu on suljettu", undo=request.path)

    def _assign(self, _request: HttpRequest, _rest: str) -> HttpResponse:
        return HttpResponse("broken", status=500) if self.mode == "broken" else HttpResponse(status=204)

    def _header(self, request: HttpRequest, rest: str) -> HttpResponse:
        source = MACROS + "{{ header(head, urls, world.people, 1) }}"
        head = replace(self.world.head, id=int(rest), subject="Uusi aihe")
        return self._drawn(source, request, head=head, urls=self.world.urls, world=self.world)

    def _news(self, _request: HttpRequest, _rest: str) -> HttpResponse:
        self.polls += 1
        news, self.news = self.news, []
        return JsonResponse({"seq": 9, "news": news, "resync": False}) if news else HttpResponse(status=204)

    def _drawn(self, source: str, request: HttpRequest, status: int = 200, **context: Any) -> HttpResponse:
        return HttpResponse(engines["jinja2"].from_string(source).render(context, request), status=status)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Say nothing; the browser's own complaints fail the test."""


class _Server(ThreadingHTTPServer, WSGIServer):
    daemon_threads = True


@pytest.fixture
def stage(settings: Any) -> Iterator[Stage]:
    """The stage, open on a port of its own."""
    settings.DEBUG = True
    stage = Stage()

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        request = WSGIRequest(environ)
        file = statics.resolve(request.path) if request.path.startswith(statics.PREFIX) else None
        if file:
            response = HttpResponse(file.read_bytes(), content_type=statics.content_type(file))
        else:
            with translation.override("en"):
                response = stage.answer(request)
        response["Content-Security-Policy"] = POLICY
        response["Content-Length"] = str(len(response.content))
        start(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return [response.content]

    server = _Server(("127.0.0.1", 0), _Quiet)
    server.set_app(application)
    stage.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield stage
    server.shutdown()
    server.server_close()
