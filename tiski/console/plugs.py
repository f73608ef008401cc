"""The console's socket: news and presence down, presence up. Writes are ordinary POSTs (ui.md 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

from tiski.accounts import policies
from tiski.accounts import queries as accounts
from tiski.accounts.models import Agent
from tiski.kernel import live
from tiski.kernel.live import Frame

Topics = Annotated[list[Annotated[str, msgspec.Meta(max_length=60)]], msgspec.Meta(max_length=100)]


class Hello(Frame, tag="hello"):
    """The first frame: the page's CSRF token, the last place seen, what to watch."""

    csrf: Annotated[str, msgspec.Meta(max_length=200)]
    after: Annotated[int, msgspec.Meta(ge=0)] | None = None
    topics: Topics = []


class Watch(Frame, tag="watch"):
    """Topics to watch from now on; what is unknown or forbidden is ignored."""

    topics: Topics


class Unwatch(Frame, tag="unwatch"):
    """Topics no longer on the screen."""

    topics: Topics


class Here(Frame, tag="here"):
    """Which conversation is open before the agent, or None, and whether they write in it. Never stored."""

    conversation: int | None = None
    writing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague(live.Principal):
    """An agent behind a socket, in one shop, with the login cookie that is asked again when rights change."""

    agent_id: int
    cookie: str


class ConsoleDoor(live.Door[Colleague]):
    """Agents enter with their login cookie and the CSRF token of a page of ours."""

    path = "/<shop>/live/"
    hello, frames = Hello, (Watch, Unwatch, Here)

    def enter(self, knock: live.Knock, hello: Hello) -> Colleague:
        """The agent; without a login or a membership the socket closes."""
        if not _token_fits(knock, hello.csrf):
            raise live.Close(live.LOGIN_EXPIRED, "reload the page")
        return colleague(knock)

    def recheck(self, principal: Colleague) -> Colleague | None:
        """Whether the login and the membership still stand."""
        if accounts.signed_in(principal.cookie) is None:
            return None
        return principal if accounts.role_in(principal.shop_id, principal.agent_id) is not None else None

    async def opened(self, session: live.Session[Colleague], hello: Hello) -> None:
        """News that was missed, then where the sequence stands."""
        seq = await live.hub.watch(session, hello.topics, hello.after)
        session.send(live.encode(live.Ready(seq=seq)))

    def handle(self, session: live.Session[Colleague], frame: Watch | Unwatch | Here) -> Any:
        """Watching asks the database and so waits in line; presence is told at once."""
        if isinstance(frame, Watch):
            return _watch(session, frame.topics)
        if isinstance(frame, Unwatch):
            live.hub.unwatch(session, frame.topics)
            return None
        _be_here(session, frame)
        return None

    def missed(self, principal: Colleague, topic: str, after: int) -> Sequence[tuple[int, bytes]]:
        """Agents get news, not data: nothing is followed."""
        return ()


def colleague(knock: live.Knock) -> Colleague:
    """Who the login cookie belongs to, as a member of the shop in the address."""
    cookie = knock.cookies.get(settings.SESSION_COOKIE_NAME, "")
    agent = accounts.signed_in(cookie)
    if agent is None:
        raise live.Close(live.LOGIN_EXPIRED, "sign in again")
    member = accounts.membership(Agent(pk=agent.agent_id), knock.params["shop"])
    if member is None or not policies.may(policies.reads_inbox, member):
        raise live.Close(live.POLICY, "not a member of this shop")
    return Colleague(
        id=f"agent-{agent.agent_id}",
        shop_id=member.shop_id,
        name=agent.name,
        language=agent.language,
        agent_id=agent.agent_id,
        cookie=cookie,
    )


@live.route("GET", "/<shop>/news/")
async def news(request: live.Request) -> live.Response:
    """The same news for pages whose socket is blocked; 204 when there is none."""
    principal = await live.in_thread(colleague, request.knock)
    topics = [topic for topic in request.query.get("topics", "").split(",") if topic][:100]
    after = request.query.get("after", "")
    missed = await live.hub.missed(principal, topics, int(after[:18]) if after.isdecimal() else None)
    if not missed.news and not missed.resync and after == str(missed.head):
        return live.Response(204)
    return live.Response.json({"seq": missed.head, "news": missed.news, "resync": missed.resync})


def _token_fits(knock: live.Knock, token: str) -> bool:
    """Whether the token belongs to the CSRF cookie, by Django's own rule; the Origin was checked by the door."""
    request = HttpRequest()
    request.method = "POST"
    request.COOKIES = knock.cookies
    request.META = {"HTTP_X_CSRFTOKEN": token, "HTTP_HOST": knock.host, "HTTP_ORIGIN": knock.origin or ""}
    request.META["wsgi.url_scheme"] = "https" if knock.secure else "http"
    check = CsrfViewMiddleware(_no_page)
    check.process_request(request)
    refused: HttpResponseBase | None = check.process_view(request, _no_page, (), {})
    return refused is None


def _no_page(_request: HttpRequest) -> HttpResponseBase:
    """Stands where a view would: only the check before it is wanted."""
    return HttpResponse(status=204)


async def _watch(session: live.Session[Colleague], topics: list[str]) -> None:
    await live.hub.watch(session, topics)
    for topic in topics:
        if topic in session.watched:
            live.hub.presence.show(session, topic)


def _be_here(session: live.Session[Colleague], frame: Here) -> None:
    topic = None if frame.conversation is None else f"conversation-{frame.conversation}"
    if session.state is not None and session.state != topic:
        live.hub.presence.away(session, session.state)
        session.state = None
    if topic is not None and topic in session.watched:
        live.hub.presence.here(session, topic, writing=frame.writing)
        session.state = topic


live.open_door(ConsoleDoor())
