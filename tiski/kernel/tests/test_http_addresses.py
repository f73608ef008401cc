"""A55: which addresses and URLs lead out, and which never do."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from tiski.kernel import http
from tiski.kernel.http import AddressRefused, HostUnreachable
from tiski.kernel.http.addresses import checked, is_open, system_resolver
from tiski.kernel.http.urls import Target, host_name

PUBLIC = "93.184.215.14"


class Resolver:
    """Answers from a list, one answer for each question, and counts the questions."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::a9fe:a9fe",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::ffff:a9fe:a9fe",
        "::ffff:0:a9fe:a9fe",
        "::ffff:0:7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "64:ff9b:1::5db8:d70e",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
        "2002:5db8:d70e::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "3fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "5f00::1",
    ],
)
def test_a55_addresses_that_lead_inside_are_closed(address: str) -> None:
    assert not is_open(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [PUBLIC, "8.8.8.8", "172.32.0.1", "2606:2800:21f::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2001:4860::1"],
)
def test_public_addresses_are_open(address: str) -> None:
    assert is_open(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_hidden_in_a_mapped_or_translated_form_is_as_open_as_itself(address: object) -> None:
    inner = ip_address(str(address))

    assert is_open(ip_address(f"::ffff:{inner}")) == is_open(inner)
    assert is_open(ip_address(int(ip_address("64:ff9b::")) + int(inner))) == is_open(inner)
    assert not is_open(ip_address(int(inner)) if int(inner) > 2**32 else ip_address(f"::{inner}"))


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_open(address: object) -> None:
    plain = ip_address(str(address))
    if plain.is_private or plain.is_loopback or plain.is_link_local or plain.is_multicast or plain.is_reserved:
        mapped = getattr(plain, "ipv4_mapped", None)
        translated = plain in ip_network("64:ff9b::/96")
        assert mapped is not None or translated or not is_open(plain)


def test_the_owner_opens_a_private_network_and_nothing_beside_it() -> None:
    allowed = [ip_network("10.0.5.0/24")]

    assert is_open(ip_address("10.0.5.7"), allowed)
    assert is_open(ip_address("::ffff:10.0.5.7"), allowed)
    assert not is_open(ip_address("10.0.6.7"), allowed)
    assert not is_open(ip_address("2002:a00:507::"), allowed)


REFUSED_URLS = [
    "http://127.1/",
    "http://0x7f.1/",
    "http://2130706433/",
    "http://0177.0.0.1/",
    "http://127.0.0.1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://localhost./",
    "http://[::1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[::ffff:0:a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://169.254.169.254/",
    "http://good@169.254.169.254/",
    "http://good:pass@shop.example/",
    "http://169.254.169.254\\@shop.example/",
    "http://shop.example\\@169.254.169.254/",
    "http://shop.example:22/",
    "http://shop.example:6379/",
    "http://shop.example:8080/",
    "http://shop.example:0/",
    "http://shop.example:99999/",
    "file:///etc/passwd",
    "gopher://shop.example/",
    "ftp://shop.example/",
    "php://filter",
    "data:text/html,x",
    "javascript:alert(1)",
    "//shop.example/",
    "/etc/passwd",
    "",
    "http://",
    "http:///shop.example",
    "http:shop.example",
    "http://shop.example /",
    " http://shop.example/",
    "http://shop.example/a b",
    "http://shop.example/\r\nX: y",
    "http://shop.example/\x00",
    "http://shop\u200b.example/",
    "http://shop。example/",
    "http://ＳＨＯＰ.example/",
    "http://shop.example%00.evil/",
    "http://%31%32%37.0.0.1/",
    "http://[fe80::1%25eth0]/",
    "http://[::1/",
    "http://shop..example/",
    "http://.shop.example/",
    "http://shop.example:80:80/",
    "http://0/",
    "http://1.2.3/",
    "http://1.2.3.4.5/",
    "http://0x0/",
    "http://127.0.0.0x1/",
    "http://" + "a" * 64 + ".example/",
    "http://shop.example/" + "a" * 5000,
    "https://xn--/",
    "http://sh\u202eop.example/",
    "http://\ud800.example/",
]


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a55_a_url_that_may_lead_inside_is_refused(url: str) -> None:
    """`shop.example` itself is public, so what refuses here is the URL or the address in it."""
    everything_public = Resolver([PUBLIC])
    inside = Resolver(["127.0.0.1"])

    with pytest.raises(AddressRefused):
        http.request("GET", url, resolver=inside if "localhost" in url else everything_public)


@pytest.mark.parametrize("url", [None, 7, [], b"http://shop.example/", {}])
def test_what_is_no_text_is_no_url(url: object) -> None:
    with pytest.raises(AddressRefused):
        Target.of(url)


@pytest.mark.parametrize("host", ["metadata.google.internal", "localhost", "intranet", "rebind.example"])
@pytest.mark.parametrize(
    "answer", [["169.254.169.254"], ["::1"], ["127.0.0.1"], ["fe80::1%eth0"], ["not-an-address"], []]
)
def test_a55_a_name_that_resolves_inside_is_refused(host: str, answer: list[str]) -> None:
    with pytest.raises(AddressRefused):
        http.request("GET", f"https://{host}/", resolver=Resolver(answer))
    with pytest.raises(AddressRefused):
        http.open_socket(host, 993, resolver=Resolver(answer))


@pytest.mark.parametrize("answer", [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], ["2606:2800:21f::1", "::1"]])
def test_a55_one_bad_address_among_good_ones_refuses_the_request(answer: list[str]) -> None:
    with pytest.raises(AddressRefused):
        http.request("GET", "https://shop.example/", resolver=Resolver(answer))


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://Shop.Example", ("https", "shop.example", 443, "/")),
        ("HTTP://shop.example:80/a?b=c#d", ("http", "shop.example", 80, "/a?b=c")),
        ("http://shop.example?b=c", ("http", "shop.example", 80, "/?b=c")),
        ("https://teehäuser.example/ä", ("https", "xn--teehuser-3za.example", 443, "/%C3%A4")),
        ("https://shop.example/a%20b@c", ("https", "shop.example", 443, "/a%20b@c")),
        ("https://[2606:2800:21f::1]:8443/", ("https", "2606:2800:21f::1", 8443, "/")),
        ("http://8.8.8.8/", ("http", "8.8.8.8", 80, "/")),
        ("http://my_shop.example/", ("http", "my_shop.example", 80, "/")),
    ],
)
def test_ordinary_urls_are_read_as_browsers_read_them(url: str, read: tuple[str, str, int, str]) -> None:
    target = Target.of(url)

    assert (target.scheme, target.host, target.port, target.path) == read


def test_a_read_url_is_written_so_that_nobody_reads_it_otherwise() -> None:
    assert Target.of("https://[2606:2800:21f::1]:8443/a").url == "https://[2606:2800:21f::1]:8443/a"
    assert Target.of("http://shop.example:80/a").url == "http://shop.example/a"
    assert Target.of("https://shop.example:80/a").authority == "shop.example:80"


@given(st.text(max_size=40))
def test_any_text_is_read_as_a_url_or_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"https://shop.example/{text}"):
        try:
            target = Target.of(url)
        except AddressRefused:
            continue
        assert Target.of(target.url) == target
        assert target.url.isascii()
        assert not set(target.url) & set("\\ \t\r\n\x00")


def test_hosts_of_mail_servers_are_read_as_strictly() -> None:
    assert host_name("IMAP.Teepuoti.fi") == "imap.teepuoti.fi"
    for odd in ("imap.teepuoti.fi/x", "mia@imap.teepuoti.fi", "127.1", "imap teepuoti", "", "a\r\nb", "[::1", "1:2"):
        with pytest.raises(AddressRefused):
            host_name(odd)


def test_a_name_is_looked_up_once() -> None:
    rebinding = Resolver([PUBLIC], ["127.0.0.1"])

    assert [str(address) for address in checked("rebind.example", timeout=1, resolver=rebinding)] == [PUBLIC]
    assert rebinding.asked == ["rebind.example"]


def test_an_address_needs_no_lookup() -> None:
    nobody = Resolver(["8.8.8.8"])
    checked(PUBLIC, timeout=1, resolver=nobody)

    assert nobody.asked == []


def test_a_lookup_that_hangs_ends_in_time() -> None:
    import threading

    patience = threading.Event()

    def hang(host: str) -> Sequence[str]:
        patience.wait(5)
        return [PUBLIC]

    with pytest.raises(HostUnreachable) as refused:
        checked("slow.example", timeout=0.05, resolver=hang)
    patience.set()
    assert "too long" in refused.value.reason


def test_a_name_without_address_is_unreachable() -> None:
    with pytest.raises(HostUnreachable):
        system_resolver("no-such-host.invalid")


def test_a61_every_failure_says_the_same_to_the_shop() -> None:
    refusals = [AddressRefused("169.254.169.254 is not open"), HostUnreachable("port 22: connection refused")]

    assert {(str(each), each.code) for each in refusals} == {(str(HostUnreachable()), "http.unreachable")}
    assert "TISKI_ALLOW_NETWORKS" in str(refusals[0])


@pytest.mark.parametrize("port", [22, 80, 443, 3306, 5432, 6379, 11211])
def test_only_mail_ports_are_open_to_mail(port: int) -> None:
    with pytest.raises(AddressRefused):
        http.open_socket("mail.example", port, resolver=Resolver([PUBLIC]))


def test_ipv4_and_ipv6_networks_of_the_owner_are_read_from_the_settings(settings: Settings) -> None:
    settings.TISKI_ALLOW_NETWORKS = ["127.0.0.0/8", "fd00::/8"]

    assert [str(each) for each in checked("fd00::7", timeout=1)] == ["fd00::7"]
    with pytest.raises(AddressRefused):
        checked("10.0.0.1", timeout=1)
