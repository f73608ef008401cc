"""What stands between Django and the views: security headers around every answer, refusals turned into answers.

`SecurityHeaders` comes first in the list, `RefusalMiddleware` last. The URLconf names `bad_request`,
`permission_denied`, `not_found` and `server_error` as its handlers, so that what fails outside a view looks the same.
"""

from __future__ import annotations

from .headers import SecurityHeaders, console_policy
from .refusals import (
    RefusalMiddleware,
    answer,
    as_refusal,
    bad_request,
    not_found,
    permission_denied,
    server_error,
)

__all__ = [
    "RefusalMiddleware",
    "SecurityHeaders",
    "answer",
    "as_refusal",
    "bad_request",
    "console_policy",
    "not_found",
    "permission_denied",
    "server_error",
]
