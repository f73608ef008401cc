"""Domains as merchants type them."""

from __future__ import annotations

import pytest

from tiski.console.errors import NotADomain, TooManyDomains
from tiski.console.web.origins import origin, origins


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("shop.example", "https://shop.example"),
        ("WWW.Shop.Example/", "https://www.shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://shop.example:80", "http://shop.example"),
        ("kahvilaörni.fi", "https://xn--kahvilarni-kcb.fi"),
        ("127.0.0.1:8000", "https://127.0.0.1:8000"),
    ],
)
def test_an_address_becomes_what_the_browser_sends(typed: str, sent: str) -> None:
    assert origin(typed) == sent


@pytest.mark.parametrize(
    "typed",
    [
        "two words", "shop.example; script-src *", "*.shop.example", "shop.example/checkout", "ftp://shop.example",
        "https://", "shop.example:99999", "user@shop.example", "shop.example?x=1", "-shop.example", "'self'",
        "javascript:alert(1)", "shop..example", "https://[::1", "a" * 64 + ".example",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(NotADomain):
        origin(typed)


def test_lines_are_read_once_each_and_empty_ones_are_skipped() -> None:
    assert origins(" shop.example \n\nhttps://shop.example/\r\nwww.shop.example\n") == [
        "https://shop.example",
        "https://www.shop.example",
    ]
    assert origins("") == []


def test_there_is_a_limit() -> None:
    with pytest.raises(TooManyDomains):
        origins("\n".join(f"shop{number}.example" for number in range(21)))
