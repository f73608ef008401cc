"""Who vouches for the sender (channels.md 3.7). What nobody vouches for is "unknown", never "pass"."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tiski.channels.email.parsing import limits
from tiski.channels.email.parsing.headers import Headers
from tiski.channels.email.parsing.model import Authentication, DkimSignature

_TAG = re.compile(r"(?:^|;)\s*([ds])\s*=\s*([A-Za-z0-9._-]{1,253})\s*(?=;|$)")
_MOST_SIGNATURES = 5
_RESULT = re.compile(r"\s*(spf|dkim|dmarc)\s*(?:/\s*1\s*)?=\s*([a-z]+)", re.IGNORECASE)
_FROM_DOMAIN = re.compile(r"\bheader\.from\s*=\s*([^\s;]+)", re.IGNORECASE)
_WORDS = {
    "softfail": "fail",
    "hardfail": "fail",
    "permerror": "unknown",
    "temperror": "unknown",
    "neutral": "none",
    "policy": "fail",
}


class _Trusted(NamedTuple):
    results: dict[str, str]
    domain: str


def authenticate(
    raw: bytes, headers: Headers, *, sender_domain: str, authserv_ids: Sequence[str], dkim_keys: Mapping[str, str]
) -> Authentication:
    """The verdicts on one mail: our own on DKIM where the key was given, else those of a configured server."""
    signatures = _signatures(raw, headers, dkim_keys)
    own = _verdict(signatures)
    trusted = _trusted(headers, authserv_ids) if authserv_ids else None
    results = trusted.results if trusted else {}
    aligned = next((s.domain for s in signatures if s.verdict == "pass" and _aligned(s.domain, sender_domain)), "")
    return Authentication(
        dkim=own if own in {"pass", "fail"} else results.get("dkim", own),
        spf=results.get("spf", "unknown"),
        # Our own DKIM pass for the very domain of the sender is what DMARC asks; a missing one proves nothing.
        dmarc="pass" if aligned else results.get("dmarc", "unknown"),
        domain=aligned or (trusted.domain if trusted else ""),
        source="dkim" if aligned else "authentication-results" if trusted else "",
        signatures=signatures,
    )


def _signatures(raw: bytes, headers: Headers, keys: Mapping[str, str]) -> tuple[DkimSignature, ...]:
    found: list[DkimSignature] = []
    for at, value in enumerate(headers.all("dkim-signature")[:_MOST_SIGNATURES]):
        tags = dict(_TAG.findall(value[:4000].decode("ascii", "replace")))
        domain, selector = tags.get("d", "").lower().rstrip("."), tags.get("s", "").lower()
        key_name = f"{selector}._domainkey.{domain}" if domain and selector else ""
        verdict = _verified(raw, at, key_name, keys[key_name]) if key_name in keys else "unknown"
        found.append(DkimSignature(domain, key_name, verdict))
    return tuple(found)


def _verified(raw: bytes, at: int, key_name: str, record: str) -> str:
    # Imported late: it takes a tenth of a second, and needs a key, which is not always looked up.
    import dkim  # type: ignore[import-untyped]

    def the_key(name: bytes, timeout: float = 0) -> bytes | None:
        return record.encode() if name.decode("ascii", "replace").rstrip(".").lower() == key_name else None

    try:
        return "pass" if dkim.DKIM(raw).verify(idx=at, dnsfunc=the_key) else "fail"
    except (dkim.DKIMException, ArithmeticError, LookupError, TypeError, ValueError):
        return "fail"


def _verdict(signatures: Sequence[DkimSignature]) -> str:
    verdicts = {signature.verdict for signature in signatures}
    if not verdicts:
        return "none"
    return next((word for word in ("pass", "unknown") if word in verdicts), "fail")


def _aligned(domain: str, sender_domain: str) -> bool:
    return "." in domain and (sender_domain == domain or sender_domain.endswith(f".{domain}"))


def _trusted(headers: Headers, authserv_ids: Sequence[str]) -> _Trusted | None:
    """The topmost Authentication-Results of a server the channel names. All others are a stranger's words."""
    ours = {name.strip().lower() for name in authserv_ids}
    for value in headers.all("authentication-results"):
        text = _without_comments(value[: limits.PARAMETER_BYTES].decode("ascii", "replace"))
        if text is None:
            continue
        server, *clauses = text.split(";")
        if (server.split() or [""])[0].lower() in ours:
            return _read(clauses)
    return None


def _read(clauses: Sequence[str]) -> _Trusted:
    results: dict[str, str] = {}
    domain = ""
    for clause in clauses:
        match = _RESULT.match(clause)
        if match is None:
            continue
        method, word = match[1].lower(), match[2].lower()
        word = _WORDS.get(word, word if word in {"pass", "fail", "none"} else "unknown")
        if method == "dkim" and results.get("dkim") != "pass":
            results["dkim"] = word
        results.setdefault(method, word)
        if method == "dmarc" and (named := _FROM_DOMAIN.search(clause)):
            domain = named[1].lower()
    return _Trusted(results, domain)


def _without_comments(text: str) -> str | None:
    """The field without comments and quoted strings, whose content is the remote side's; None when one never ends."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\" and (depth or quoted):
            escaped = True
        elif character == '"' and not depth:
            quoted = not quoted
        elif quoted:
            continue
        elif character == "(":
            depth += 1
        elif character == ")" and depth:
            depth -= 1
        elif not depth:
            kept.append(character)
    return None if depth or quoted else "".join(kept)
