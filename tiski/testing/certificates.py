"""A certificate authority for one test run and the server certificate it signed."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM: the authority that clients trust, the server's certificate and its key."""

    authority: Path
    certificate: Path
    key: Path


class Flaw(StrEnum):
    """What may be wrong with a server's certificate."""

    NONE = ""
    WRONG_HOST = "for another host"
    EXPIRED = "expired"
    SELF_SIGNED = "signed by nobody but itself"


def make_certificates(folder: Path, *, flaw: Flaw = Flaw.NONE) -> Certificates:
    """A fresh authority and a certificate for `localhost` and 127.0.0.1, good for a day unless it has a flaw."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    authority = _authority(authority_key)
    made = Certificates(folder / "authority.pem", folder / "server.pem", folder / "server.key")
    made.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    if flaw is Flaw.SELF_SIGNED:
        server = _server(server_key.public_key(), _name("localhost"), server_key, flaw)
    else:
        server = _server(server_key.public_key(), authority.subject, authority_key, flaw)
    made.certificate.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    made.key.chmod(0o600)
    return made


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("Tiski test authority")
    return (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )


def _server(
    key: ec.EllipticCurvePublicKey, issuer: x509.Name, issuer_key: ec.EllipticCurvePrivateKey, flaw: Flaw
) -> x509.Certificate:
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    if flaw is Flaw.WRONG_HOST:
        names = [x509.DNSName("mail.evil.example")]
    ends = datetime.timedelta(minutes=-5) if flaw is Flaw.EXPIRED else datetime.timedelta(days=1)
    return (
        _builder(_name("localhost"), issuer, key, ends=ends)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    *,
    ends: datetime.timedelta = datetime.timedelta(days=1),
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + ends)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
