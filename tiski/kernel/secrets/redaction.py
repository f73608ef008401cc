"""One redactor for logs, error pages and reports of failures."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict

HIDDEN = "[hidden]"
MOST_REMEMBERED = 512
SHORTEST_REMEMBERED = 6

_lock = threading.Lock()
_remembered: OrderedDict[str, None] = OrderedDict()

_NAMED = r"\b[a-z_-]{0,30}(?:password|passwd|passphrase|secret|token|api_?key|sessionid)[a-z_-]{0,20}"
_VALUE = r"""(?:"[^"]{0,4000}"|'[^']{0,4000}'|[^\s,;&})]{1,4000})"""

# Every repetition is bounded: a log line written by a stranger must not cost more than its length.
_PATTERNS = [
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # scheme://user:password@host
        (r"\b([a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,200}):[^\s/@]{1,500}@", rf"\1:{HIDDEN}@"),
        # Authorization: Bearer x; Cookie: a=b; X-Api-Key: x
        (r"\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)(\W{1,4})[^\r\n]{1,4000}", rf"\1\2{HIDDEN}"),
        (r"\b(bearer|basic)[ \t]{1,3}[a-z0-9._~+/=-]{8,4000}", rf"\1 {HIDDEN}"),
        # IMAP's LOGIN and the SASL exchanges of IMAP and SMTP
        (
            r'\b(LOGIN[ \t]{1,3}(?:"[^"]{0,320}"|\S{1,320}))[ \t]{1,3}(?:"(?:[^"\\]|\\.){0,500}"|\S{1,500})',
            rf"\1 {HIDDEN}",
        ),
        (r"\b(AUTH(?:ENTICATE)? (?:PLAIN|LOGIN|XOAUTH2|OAUTHBEARER|CRAM-MD5)) \S{1,4000}", rf"\1 {HIDDEN}"),
        # password=x; "access_token": "x"; --secret x
        (rf"({_NAMED}[\"']?\s{{0,3}}[=:]\s{{0,3}}){_VALUE}", rf"\1{HIDDEN}"),
    )
]


def remember(secret: str) -> None:
    """Hide this very text from now on; called for every secret that is opened or set."""
    if len(secret) < SHORTEST_REMEMBERED:
        return
    with _lock:
        _remembered[secret] = None
        _remembered.move_to_end(secret)
        if len(_remembered) > MOST_REMEMBERED:
            _remembered.popitem(last=False)


def redact(text: str) -> str:
    """The text without passwords, tokens and keys: those this process has handled, and what looks like one."""
    with _lock:
        known = sorted(_remembered, key=len, reverse=True)
    for secret in known:
        text = text.replace(secret, HIDDEN)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
