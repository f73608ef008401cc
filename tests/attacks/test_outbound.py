"""Where the shop's words could send us: addresses inside, redirects elsewhere, servers to map (A55, A56, A61)."""

from __future__ import annotations

import ast
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from django.test import Client

from tiski.accounts.models import Agent
from tiski.channels.email import connecting
from tiski.channels.email.actions import mailboxes
from tiski.channels.email.errors import MailboxFault, ServerUnreachable
from tiski.channels.email.mailbox import Mailbox, Passwords, Security, Server, Settings
from tiski.conversations.models import ChannelAccount
from tiski.kernel import http
from tiski.kernel.events import delivering
from tiski.kernel.http import AddressRefused, HostUnreachable
from tiski.testing.letterbox import Post
from tiski.testing.rules.sources import product

PUBLIC = "93.184.216.34"
PASSWORD = "kevään-ensimmäinen-sencha"
HOSTS = [
    "127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "017700000001", "①②⑦.⓪.⓪.①", "127。0。0。1",
    "localhost", "localhost.", "LOCALHOST", "localhost.localdomain", "0", "0.0.0.0", "[::]", "[::1]",
    "[::ffff:7f00:1]", "[::ffff:127.0.0.1]", "[::7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]",
    "[::ffff:0:a9fe:a9fe]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[fe80::1]", "[fec0::1]", "[fd00:ec2::254]", "[ff02::1]", "169.254.169.254", "169.254.0.1", "100.64.0.1",
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "192.0.0.8", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "metadata.google.internal", "metadata", "127.0.0.1.nip.io", "inside.teepuoti.example", "e\u200bvil.example",
]  # fmt: skip
URLS = [
    "http://good@169.254.169.254/", "http://169.254.169.254\\@teepuoti.example/", "http://teepuoti.example\\@127.0.0.1/",
    "http://teepuoti.example:22/", "https://teepuoti.example:6379/",
    "file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO", "ftp://teepuoti.example/", "http:///127.0.0.1/",
    "http://127.0.0.1:80@teepuoti.example/", "http://teepuoti.example\t.127.0.0.1/", "\thttp://127.0.0.1/",
    "http://[::1%25lo]/", "http://%31%32%37.0.0.1/", "ws://127.0.0.1/", "unix:/var/run/docker.sock",
]  # fmt: skip


def everything_named_is_inside(host: str) -> list[str]:
    """A resolver of the attacker's: every name leads to this machine or to the cloud's own address."""
    return ["169.254.169.254"] if "metadata" in host else ["127.0.0.1"]


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Whom anything tried to reach; nobody is reached."""
    tried: list[object] = []

    def refuse(address: object, *arguments: object, **options: object) -> socket.socket:
        tried.append(address)
        raise AssertionError(f"a connection to {address}")

    monkeypatch.setattr(socket, "create_connection", refuse)
    return tried


@pytest.mark.parametrize("host", HOSTS)
def test_a55_requests_reach_no_address_inside_however_it_is_written(no_connection: list[object], host: str) -> None:
    for url in (f"http://{host}/", f"https://{host}/hook?x=1"):
        with pytest.raises(AddressRefused):
            http.request("POST", url, body=b"tee", resolver=everything_named_is_inside)
    assert no_connection == []


@pytest.mark.parametrize("url", URLS)
def test_a55_requests_take_no_odd_url(no_connection: list[object], url: str) -> None:
    with pytest.raises(AddressRefused):
        http.request("GET", url, resolver=lambda host: [PUBLIC])
    assert no_connection == []


@pytest.mark.parametrize("host", HOSTS)
def test_a55_mail_servers_are_opened_as_strictly(
    no_connection: list[object], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """The very connections that "test connection", the reader and the sender open."""
    monkeypatch.setattr("tiski.kernel.http.addresses.system_resolver", everything_named_is_inside)
    for port, security in ((993, Security.TLS), (143, Security.STARTTLS), (587, Security.NONE)):
        there = Server(host, port, security, "x")
        box = Mailbox(1, 1, Settings(address="a@b.example", imap=there, smtp=there), Passwords(imap="p", smtp="p"))
        for connect in (connecting.imap, connecting.smtp):
            with pytest.raises(MailboxFault) as fault, connect(box):
                pass
            assert type(fault.value) is ServerUnreachable
    assert no_connection == []


@pytest.mark.parametrize("port", [1, 21, 22, 23, 80, 443, 3306, 5432, 6379, 8080, 11211])
def test_a55_mail_servers_have_the_ports_of_mail(no_connection: list[object], port: int) -> None:
    with pytest.raises(HostUnreachable):
        http.open_socket("mail.teepuoti.example", port, resolver=lambda host: [PUBLIC])
    assert no_connection == []


def test_a55_a_name_that_is_public_first_and_inside_then_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, reached = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]]), list[object]()

    def unreachable(address: object, *arguments: object, **options: object) -> socket.socket:
        reached.append(address)
        raise OSError("nobody there")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    with pytest.raises(HostUnreachable):
        http.request("GET", "http://rebinding.example/", resolver=lambda host: next(answers))
    assert reached == [(PUBLIC, 80)]


@pytest.mark.parametrize("mixed", [[PUBLIC, "127.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "::1"]])
def test_a55_one_address_inside_among_many_refuses_them_all(no_connection: list[object], mixed: list[str]) -> None:
    with pytest.raises(AddressRefused):
        http.request("GET", "http://mixed.example/", resolver=lambda host: mixed)
    with pytest.raises(AddressRefused):
        http.open_socket("mixed.example", 993, resolver=lambda host: mixed)
    assert no_connection == []


REACHING = {
    "socket", "ssl", "http", "urllib", "urllib3", "httpx", "httpcore", "requests", "aiohttp", "smtplib", "imaplib",
    "imap_tools", "poplib", "ftplib", "telnetlib", "nntplib", "xmlrpc", "socketserver", "websockets", "redis",
    "psycopg", "paramiko", "pycurl", "dns", "aiosmtplib", "webbrowser", "subprocess", "multiprocessing", "anyio",
}  # fmt: skip
SAFE_NAMES = {"urllib.parse", "http", "http.cookies"}
OPENER = "the choke point itself"
MAIL = "IMAP and SMTP over sockets of kernel.http"
OWNERS = "to what the owner configured, never to what a shop names"
OURS = "starts a program of ours, or listens"
REACHERS = {
    "tiski/kernel/http/addresses.py": OPENER,
    "tiski/kernel/http/requests.py": OPENER,
    "tiski/kernel/http/sockets.py": OPENER,
    "tiski/channels/email/connecting.py": MAIL,
    "tiski/channels/email/fetching.py": MAIL,
    "tiski/channels/email/sending.py": MAIL,
    "tiski/channels/email/child.py": OURS,
    "tiski/accounts/mail.py": OWNERS,
    "tiski/kernel/bus/through_redis.py": OWNERS,
    "tiski/kernel/live/relay.py": OWNERS,
    "tiski/kernel/worker.py": OWNERS,
    "tiski/kernel/backup/postgresql.py": OWNERS,
    "tiski/kernel/live/wire.py": OURS,
    "tiski/config/backup.py": OURS,
    "tiski/config/server.py": OURS,
    "tiski/config/supervisor.py": OURS,
    "tiski/config/worker_door.py": OURS,
}
"""Every file that could reach anyone, and why it may. A new one belongs here only if no shop's word leads it."""


def reaching_modules() -> dict[str, set[str]]:
    """Every file of the product that imports something able to connect, with what it imports."""
    found: dict[str, set[str]] = {}
    for source in product():
        for node in ast.walk(source.tree()):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            else:
                continue
            reach = {name for name in names if name.split(".")[0] in REACHING and name not in SAFE_NAMES}
            if reach:
                found.setdefault(source.path, set()).update(reach)
    return found


def test_a55_nothing_else_of_ours_reaches_anyone() -> None:
    assert set(reaching_modules()) - set(REACHERS) == set()


def test_a55_the_browser_half_connects_to_its_own_origin(client: Client, db: None) -> None:
    policy = client.get("/sign-in/")["Content-Security-Policy"]
    assert "connect-src 'self' ws://testserver;" in policy
    assert "default-src 'none';" in policy


@pytest.fixture
def listener() -> Iterator[tuple[int, list[object]]]:
    """Something inside that listens, and who came."""
    came: list[object] = []
    with socket.socket() as inside:
        inside.bind(("127.0.0.1", 0))
        inside.listen()

        def serve() -> None:
            with suppress(OSError):
                while True:
                    came.append(inside.accept()[1])

        threading.Thread(target=serve, daemon=True).start()
        yield int(inside.getsockname()[1]), came
        with suppress(OSError):
            inside.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def noor(post: Post) -> Client:
    """Noor's browser; she reads English."""
    Agent.objects.update(language="en")
    post.world.noor.set_password(PASSWORD)
    post.world.noor.save(update_fields=["password"])
    client = Client()
    client.force_login(post.world.noor)
    return client


def probe(noor: Client, post: Post, host: str, port: int, security: str) -> dict[str, object]:
    """What Noor hears of a server of her choice after "test connection"."""
    there = Server(host, port, Security(security), "x")
    post.set(imap=there, smtp=there)
    ChannelAccount.unscoped.filter(id=post.account.id).update(health={})
    place = f"/teepuoti/settings/mailbox/{post.account.id}/"
    assert noor.post(f"{place}check/").status_code == 302
    while delivering.run_due("worker"):
        pass
    shown = noor.get(f"{place}health/").content.decode()
    assert host not in shown
    assert not re.search(rf":{port}\b", shown)
    return {side: post.account.health[side]["code"] for side in ("imap", "smtp")}


def test_a61_a_port_inside_looks_the_same_open_closed_or_filtered(
    noor: Client, post: Post, listener: tuple[int, list[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_port, came = listener
    heard = [
        probe(noor, post, host, port, security)
        for host, port in (("127.0.0.1", open_port), ("127.0.0.1", 1), ("10.0.0.1", 993), ("localhost", open_port))
        for security in ("tls", "starttls", "none")
    ]
    monkeypatch.setattr("tiski.kernel.http.addresses.system_resolver", lambda host: [PUBLIC])
    monkeypatch.setattr(socket, "create_connection", _nobody)
    heard.append(probe(noor, post, "dead.example", 993, "tls"))
    assert heard == [{"imap": "mail.unreachable", "smtp": "mail.unreachable"}] * 13
    assert came == []


def _nobody(*arguments: object, **options: object) -> socket.socket:
    raise ConnectionRefusedError("nobody there")


def test_a61_a_shop_tests_thirty_connections_in_ten_minutes(noor: Client, post: Post) -> None:
    place = f"/teepuoti/settings/mailbox/{post.account.id}/"
    limit, _per = mailboxes.CHECKS
    answers = [noor.post(f"{place}check/").status_code for _ in range(limit + 2)]
    assert answers == [302] * limit + [429, 429]
    changed = {
        "address": post.address, "imap_host": "imap.example.net", "imap_port": "993", "imap_security": "tls",
        "imap_user": "x", "imap_password": "y", "folder": "INBOX", "backfill": "now", "smtp_host": "smtp.example.net",
        "smtp_port": "465", "smtp_security": "tls",
    }  # fmt: skip
    assert noor.post(place, changed).status_code == 422
    assert post.mailbox.settings.imap == Server("mail.example", 465, Security.TLS, post.address)


ELSEWHERE = [
    "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example/", "\thttps://evil.example/",
    "https:evil.example", "http:///evil.example", "///evil.example", "/\t/evil.example", "javascript:alert(1)",
    "data:text/html,x", "https://testserver@evil.example/", "https://testserver.evil.example/", "%2F%2Fevil.example",
    "/%09/evil.example", "\x00//evil.example", "//evil%E3%80%82example",
]  # fmt: skip
NAMES = ("next", "url", "return", "return_to", "redirect", "redirect_to", "continue", "to")
ASKED = ["/", "/sign-in/", "/sign-out/", "/password/confirm/", "/password/change/", "/teepuoti/", "/demo/", "/account/"]


def stays_here(location: str) -> bool:
    """Whether a browser that follows it is still with us: it drops tabs and line ends, and reads \\ as /."""
    read = re.sub(r"[\t\r\n]", "", location).strip("\x00 ").replace("\\", "/")
    return urljoin("http://testserver/page/", read).startswith("http://testserver/")


def test_a56_no_address_in_a_request_leads_away(noor: Client) -> None:
    for target in ELSEWHERE:
        fields = dict.fromkeys(NAMES, target)
        stranger = Client(headers={"Referer": target.replace("\t", "").replace("\x00", "")})
        for browser in (stranger, noor):
            for path in ASKED:
                answer = browser.get(path, fields)
                assert stays_here(answer.headers.get("Location", "/")), (path, answer["Location"])


def test_a56_signing_in_confirming_and_out_leads_home(noor: Client, post: Post) -> None:
    for at, target in enumerate(ELSEWHERE):
        fields = {"login": post.world.noor.email, "password": PASSWORD, "next": target}
        browser = Client()
        if at == 0:
            assert browser.post("/sign-in/", fields).status_code == 302
        browser.force_login(post.world.noor)
        # Already signed in, a wrong password, and out: each answers with a place to go, or with the page again.
        for path, sent in (("/sign-in/", fields), ("/password/confirm/", {"next": target}), ("/sign-out/", fields)):
            answer = browser.post(path, sent)
            for name in ("Location", "HX-Redirect"):
                assert stays_here(answer.headers.get(name, "/")), (path, target, answer.headers[name])


@pytest.mark.parametrize("target", ELSEWHERE, ids=repr)
def test_a56_an_htmx_page_elsewhere_is_not_where_the_sign_in_returns(db: None, target: str) -> None:
    shown = target.replace("\x00", "").replace("\t", "")
    answer = Client(headers={"HX-Request": "true", "HX-Current-URL": shown}).get("/teepuoti/inbox/open/")
    for name in ("Location", "HX-Redirect", "HX-Location"):
        assert stays_here(answer.headers.get(name, "/"))
        [inner] = parse_qs(urlsplit(answer.headers.get(name, "")).query).get("next", ["/"])
        assert stays_here(inner)
