"""What the widget may know: its own settings, its visitor's conversation, and the messages in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from urllib.parse import urlsplit
from uuid import UUID

from django.urls import reverse

from tiski.accounts import queries as accounts
from tiski.accounts.models import Agent, Shop
from tiski.channels.chat.errors import BadVisitorToken, NoSuchWidget
from tiski.channels.chat.frames import Author, Counter, File, Ready, Said
from tiski.conversations.errors import NoSuchConversation
from tiski.conversations.models import Attachment, ChannelAccount, Conversation, Message
from tiski.customers.models import Identity
from tiski.kernel import clock, tokens

KIND = "chat"
PAGE = 50
CATCH_UP = 500  # messages; who was away for more than that reloads the page
LINK_TTL = timedelta(days=1)
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # 32 random bytes in base64url, without padding


@dataclass(frozen=True, slots=True)
class Widget:
    """A widget that is switched on. `domains` are the origins whose pages may embed it."""

    id: int
    key: str
    shop_id: int
    domains: frozenset[str]


@dataclass(frozen=True, slots=True)
class Belonging:
    """Whose conversation it is and where it stands: what a hello is checked against."""

    conversation_id: int
    customer_id: int


def widget(key: str) -> Widget:
    """The widget with this public key; raises `NoSuchWidget`."""
    account = ChannelAccount.unscoped.filter(kind=KIND, key=key).first()
    if account is None or not account.is_on:
        raise NoSuchWidget
    domains = account.settings.get("domains", ())
    return Widget(account.id, account.key, account.shop_id, frozenset(origin(domain) for domain in domains if domain))


def origin(domain: str) -> str:
    """The origin of a registered domain: `shop.example` means its https pages."""
    parts = urlsplit(domain if "//" in domain else f"https://{domain}")
    return f"{parts.scheme}://{parts.netloc}".lower()


def token_hash(token: str) -> str:
    """The stored form of a visitor's token; raises `BadVisitorToken` unless it is 256 random bits."""
    if TOKEN.fullmatch(token) is None:
        raise BadVisitorToken
    return tokens.hash_token(token)


def uploader(hashed: str) -> str:
    """How a visitor's uploads are marked as theirs."""
    return f"visitor-{hashed}"


def belonging(shop_id: int, hashed: str, conversation: UUID | None) -> Belonging | None:
    """The visitor's conversation, None when it does not exist yet; raises `NoSuchConversation` when it is another's."""
    if conversation is None:
        return None
    found = Conversation.unscoped.filter(uuid=conversation).values_list("id", "shop_id", "customer_id").first()
    if found is None:
        return None
    conversation_id, owner_shop, customer_id = found
    is_theirs = Identity.unscoped.filter(
        shop_id=shop_id, kind="visitor", value=hashed, customer_id=customer_id
    ).exists()
    if owner_shop != shop_id or not is_theirs:
        raise NoSuchConversation
    return Belonging(conversation_id, customer_id)


def ready(widget: Widget, conversation_id: int | None, *, after: int = 0, before: int | None = None) -> Ready:
    """The first load and every catch-up: the newest page, or what follows `after`, or the page before `before`."""
    state = counter(widget.shop_id)
    if conversation_id is None:
        return Ready(seq=0, messages=[], state=state, more=False)
    messages = Message.unscoped.filter(conversation_id=conversation_id)
    if after:
        page, more = list(messages.filter(seq__gt=after).order_by("seq")[:CATCH_UP]), False
    else:
        older = messages.filter(seq__lt=before) if before is not None else messages
        found = list(older.order_by("-seq")[: PAGE + 1])
        page, more = found[:PAGE][::-1], len(found) > PAGE
    said_page = said(widget.key, widget.shop_id, page)
    return Ready(seq=said_page[-1].seq if said_page else after, messages=said_page, state=state, more=more)


def missed(widget_key: str, shop_id: int, conversation_id: int, after: int) -> list[Said]:
    """Every message after a seq, in order, at most 200 at a time."""
    messages = Message.unscoped.filter(conversation_id=conversation_id, seq__gt=after).order_by("seq")[:200]
    return said(widget_key, shop_id, list(messages))


def said(widget_key: str, shop_id: int, messages: Sequence[Message]) -> list[Said]:
    """Messages as the browser shows them; what was taken back leaves an empty line, so that seq has no hole."""
    agents = _agents({message.agent_id for message in messages if message.agent_id})
    files = _files(widget_key, shop_id, [message.id for message in messages])
    return [_said(message, agents, files.get(message.id, [])) for message in messages]


def counter(shop_id: int) -> Counter:
    """Whether the shop answers now."""
    state = accounts.open_state(Shop.objects.get(id=shop_id), clock.now())
    return Counter(
        open=state.is_open,
        opens_at=state.opens_at.isoformat() if state.opens_at else None,
        closes_at=state.closes_at.isoformat() if state.closes_at else None,
    )


def file_link(widget_key: str, shop_id: int, blob_id: str) -> str:
    """An address that shows one file for a day: it carries a signature, not the visitor's token."""
    signature = tokens.sign("chat-file", blob_id, LINK_TTL, shop=shop_id)
    return f"{reverse('chat-file', kwargs={'key': widget_key, 'blob_id': blob_id})}?sign={signature}"


def _said(message: Message, agents: dict[int, Author], files: list[File]) -> Said:
    own = message.author_kind == "customer"
    nobody = Author("system", "", None)
    author = Author("customer", "", None) if own else agents.get(message.agent_id or 0, nobody)
    return Said(
        seq=message.seq,
        author=author,
        at=message.created_at.isoformat(),
        body="" if message.withdrawn_at else message.body,
        files=[] if message.withdrawn_at else files,
        client_id=str(message.client_id) if own else None,
    )


def _agents(wanted: Iterable[int]) -> dict[int, Author]:
    found = Agent.objects.filter(id__in=set(wanted)).values_list("id", "name", "photo")
    return {number: Author("agent", given_name(name), face(photo)) for number, name, photo in found}


def face(photo: str) -> str | None:
    """The public address of a face, or None."""
    return reverse("accounts_picture", kwargs={"blob_id": photo}) if photo else None


@lru_cache(maxsize=1024)
def given_name(name: str) -> str:
    """What visitors see of an agent's name: the first part."""
    return name.split(maxsplit=1)[0] if name.split() else ""


def _files(widget_key: str, shop_id: int, message_ids: Sequence[int]) -> dict[int, list[File]]:
    columns = ("message_id", "blob_id", "name", "size", "content_type")
    found: dict[int, list[File]] = {}
    rows = Attachment.unscoped.filter(message_id__in=message_ids).order_by("id").values_list(*columns)
    for message_id, blob_id, name, size, content_type in rows:
        link = file_link(widget_key, shop_id, blob_id)
        found.setdefault(message_id or 0, []).append(File(blob_id, name, size, content_type, link))
    return found
