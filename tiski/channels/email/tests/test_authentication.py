"""Who vouches for a sender, and whose word does not count."""

import dkim  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tiski.channels.email.parsing.model import Authentication, DkimSignature, Request
from tiski.channels.email.parsing.reading import parse

LETTER = b"From: Ada <ada@example.org>\r\nTo: tuki@teepuoti.example\r\nSubject: Tilaus\r\n\r\nHei\r\n"
KEY_NAME = "tea._domainkey.example.org"


def read(raw: bytes, *, servers: tuple[str, ...] = (), keys: dict[str, str] | None = None) -> Authentication:
    return parse(Request(raw=raw, authserv_ids=servers, dkim_keys=keys or {})).authentication


def with_results(*values: str) -> bytes:
    return b"".join(f"Authentication-Results: {value}\r\n".encode() for value in values) + LETTER


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def record(key: rsa.RSAPrivateKey) -> str:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return f"v=DKIM1; k=rsa; p={''.join(public.splitlines()[1:-1])}"


@pytest.fixture(scope="module")
def signed(key: rsa.RSAPrivateKey) -> bytes:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    signature: bytes = dkim.sign(LETTER, b"tea", b"example.org", private)
    return signature + LETTER


def test_without_a_claim_and_a_server_nothing_is_known() -> None:
    assert read(LETTER) == Authentication(dkim="none", spf="unknown", dmarc="unknown")


def test_a_signature_whose_key_was_not_looked_up_is_unknown_and_names_its_key(signed: bytes) -> None:
    found = read(signed)

    assert found.dkim == "unknown"
    assert found.dmarc == "unknown"
    assert found.signatures == (DkimSignature("example.org", KEY_NAME, "unknown"),)


def test_a_true_signature_of_the_senders_domain_passes(signed: bytes, record: str) -> None:
    found = read(signed, keys={KEY_NAME: record})

    assert (found.dkim, found.dmarc, found.domain, found.source) == ("pass", "pass", "example.org", "dkim")


def test_a_changed_mail_fails(signed: bytes, record: str) -> None:
    found = read(signed.replace(b"Hei", b"Hoi"), keys={KEY_NAME: record})

    assert (found.dkim, found.dmarc) == ("fail", "unknown")


@pytest.mark.parametrize("record", ["", "v=DKIM1; p=", "nonsense", "v=DKIM1; k=rsa; p=AAAA"])
def test_a_key_that_is_none_fails(signed: bytes, record: str) -> None:
    assert read(signed, keys={KEY_NAME: record}).dkim == "fail"


def test_a_strangers_signature_vouches_for_the_stranger_only(signed: bytes, record: str) -> None:
    raw = signed.replace(b"From: Ada <ada@example.org>", b"From: Ada <ada@example.org>\r\nX: y")
    other = read(raw.replace(b"ada@example.org", b"ada@example.net"), keys={KEY_NAME: record})

    assert other.dkim == "fail"
    assert other.domain == ""


def test_the_configured_server_is_believed() -> None:
    raw = with_results(
        "mx.teepuoti.example; spf=pass smtp.mailfrom=example.org; dkim=fail header.d=x; dkim=pass header.d=example.org;"
        " dmarc=pass (p=reject) header.from=example.org"
    )
    found = read(raw, servers=("MX.teepuoti.example",))

    assert (found.dkim, found.spf, found.dmarc) == ("pass", "pass", "pass")
    assert (found.domain, found.source) == ("example.org", "authentication-results")


@pytest.mark.parametrize(
    "value",
    [
        "mx.teepuoti.example; dmarc=pass",
        " MX.Teepuoti.Example ; dmarc = pass",
        "mx.evil.example (mx.teepuoti.example); dmarc=pass",
        "(mx.teepuoti.example; dmarc=pass",
        '"mx.teepuoti.example; dmarc=pass',
        "mx.teepuoti.example.evil.example; dmarc=pass",
    ],
)
def test_a05_a_result_below_the_servers_own_or_in_disguise_does_not_count(value: str) -> None:
    found = read(with_results("mx.teepuoti.example; dmarc=fail", value), servers=("mx.teepuoti.example",))

    assert found.dmarc == "fail"


@pytest.mark.parametrize(
    "value",
    [
        "mx.evil.example; dmarc=pass",
        "mx.evil.example (mx.teepuoti.example); dmarc=pass",
        "mx.teepuoti.example; x=(dmarc=pass",
        "mx.teepuoti.example; none (; dmarc=pass)",
        'mx.teepuoti.example; reason="; dmarc=pass"',
    ],
)
def test_a05_without_the_servers_word_dmarc_is_unknown(value: str) -> None:
    assert read(with_results(value), servers=("mx.teepuoti.example",)).dmarc == "unknown"


def test_no_server_is_believed_unless_configured() -> None:
    assert read(with_results("mx.teepuoti.example; dmarc=pass")).dmarc == "unknown"


@pytest.mark.parametrize(
    ("word", "result"), [("softfail", "fail"), ("neutral", "none"), ("temperror", "unknown"), ("best", "unknown")]
)
def test_other_words_are_never_a_pass(word: str, result: str) -> None:
    assert read(with_results(f"mx; spf={word}"), servers=("mx",)).spf == result
