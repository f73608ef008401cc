"""What agents write: answers, notes, drafts, read marks; taking an answer back, sending it again."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from tiski.accounts.policies import ShopRequest, answers, reads_inbox, requires
from tiski.conversations import actions as conversations
from tiski.conversations import queries
from tiski.conversations.actions import Posted
from tiski.conversations.errors import DraftMoved, NewerMessages, NoSuchConversation
from tiski.conversations.models import Attachment, Conversation, DraftMode, Message, OutboxItem
from tiski.conversations.queries import opened
from tiski.kernel.errors import Conflict, Invalid
from tiski.kernel.reading import fetch
from tiski.ui.jinja import joined
from tiski.ui.page import show

from . import panels, shapes

VERSION = "SELECT version FROM conversations_draft WHERE conversation_id = %s AND agent_id = %s AND mode = %s"


@requires(answers)
@require_POST
def send(request: ShopRequest, conversation_id: int) -> HttpResponse:
    """Send a reply or save a note: the entry; 409 with what was said meanwhile; 422 with the reason."""
    conversation = opened(conversation_id)
    client_id = _client_id(request)
    try:
        if _mode(request) == "note":
            body, chosen = request.POST.get("body", ""), request.POST.getlist("files")
            note = conversations.note(conversation, body=body, client_id=client_id, files=chosen, by=request.actor)
            item = queries.note_at(conversation, note.id)
        else:
            item = queries.message_at(conversation, _reply(request, conversation, client_id).seq)
    except NewerMessages:
        return _collision(request, conversation)
    except (Invalid, Conflict) as refusal:
        return show(request, "console/_composer_error.html", status=422, sentence=str(refusal))
    entries = joined(shapes.drawn(request, conversation_id, [item] if item else []))
    response = show(request, "console/_entries.html", entries=entries, older="")
    return _with_version(response, request, conversation_id, _mode(request))


@requires(answers)
@require_POST
def draft(request: ShopRequest, conversation_id: int) -> HttpResponse:
    """Keep the unfinished text; the answer carries its version, also when another window was faster (409)."""
    mode = _mode(request)
    try:
        version = conversations.save_draft(
            opened(conversation_id),
            mode=mode,
            body=request.POST.get("body", ""),
            version=_number(request, "version"),
            files=request.POST.getlist("files"),
            by=request.actor,
        )
    except DraftMoved:
        return _with_version(HttpResponse(status=409), request, conversation_id, mode)
    return HttpResponse(status=204, headers={"Draft-Version": str(version)})


@requires(reads_inbox)
@require_POST
def read_mark(request: ShopRequest, conversation_id: int) -> HttpResponse:
    """The agent has read up to `seq`."""
    conversations.mark_read(opened(conversation_id), seq=_number(request, "seq"), by=request.actor)
    return HttpResponse(status=204)


@requires(answers)
@require_POST
def take_back(request: ShopRequest, conversation_id: int, message_id: int) -> HttpResponse:
    """Undo sending while the answer is held; its text returns to the draft, and its files to the composer."""
    message = Message.objects.filter(id=message_id, conversation_id=conversation_id).first()
    if message is None:
        raise NoSuchConversation
    files = tuple(Attachment.objects.filter(message=message).values_list("blob_id", flat=True))
    conversations.take_back(message, by=request.actor)
    response = show(request, "console/_files.html", files=panels.draft_files(files))
    response["HX-Retarget"] = f"#composer-{conversation_id} .composer-files"
    return _with_version(response, request, conversation_id, DraftMode.REPLY)


@requires(answers)
@require_POST
def send_again(request: ShopRequest, conversation_id: int, item_id: int) -> HttpResponse:
    """Try an answer again that failed."""
    item = OutboxItem.objects.filter(id=item_id, message__conversation_id=conversation_id).first()
    if item is None:
        raise NoSuchConversation
    conversations.retry(item, by=request.actor)
    return HttpResponse(status=204)


def _reply(request: ShopRequest, conversation: Conversation, client_id: UUID) -> Posted:
    return conversations.reply(
        conversation,
        body=request.POST.get("body", ""),
        client_id=client_id,
        seen_seq=_number(request, "seen_seq"),
        files=request.POST.getlist("files"),
        force=bool(request.POST.get("anyway")),
        by=request.actor,
    )


def _collision(request: ShopRequest, conversation: Conversation) -> HttpResponse:
    items = queries.thread(conversation, _number(request, "seen_seq"))
    seen = max((item.seq for item in items if item.seq), default=_number(request, "seen_seq"))
    unseen = shapes.unseen(request, conversation.id, items)
    return show(request, "console/_collision.html", status=409, items=unseen, seen_seq=seen)


def _with_version(response: HttpResponse, request: ShopRequest, conversation_id: int, mode: str) -> HttpResponse:
    """Tell the version of the writer's draft: the next save goes on from it."""
    found = fetch(VERSION, [conversation_id, request.user.id, mode])
    response["Draft-Version"] = str(found[0][0] if found else 0)
    return response


def _mode(request: ShopRequest) -> str:
    mode = request.POST.get("mode", "reply")
    if mode not in DraftMode.values:
        raise Invalid(field="mode")
    return mode


def _client_id(request: ShopRequest) -> UUID:
    try:
        return UUID(request.POST.get("client_id", ""))
    except ValueError:
        raise Invalid(field="client_id") from None


def _number(request: ShopRequest, name: str) -> int:
    given = request.POST.get(name, "")
    return int(given[:18]) if given.isdecimal() else 0
