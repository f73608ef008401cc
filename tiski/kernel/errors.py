"""Refusals: what Tiski says when it will not do something, with a sentence that names the remedy.

A package subclasses one of the six kinds in its own `errors.py`, gives the subclass a stable `code` and a `sentence`,
and raises it with the values the sentence needs: `raise AlreadyClosed(name=conversation.subject)`. Refusals know no
HTTP; `kernel.middleware` gives each kind its status.
"""

from typing import TYPE_CHECKING, ClassVar

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

_registry: dict[str, type["Refusal"]] = {}


class Refusal(Exception):
    """Something Tiski will not do, said so that a person can act on it."""

    code: ClassVar[str] = "refused"
    sentence: ClassVar["str | _StrPromise"] = _("This is not possible. Go back and try another way.")

    def __init__(self, *, field: str | None = None, **details: object) -> None:
        """`field` names the form field at fault; `details` fill the %(name)s places of the sentence."""
        super().__init__()
        self.field = field
        self.details = details

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Enter the class into the registry when it brings a code of its own."""
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            return
        known = _registry.setdefault(cls.code, cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"The error code {cls.code!r} belongs to {known.__module__}.{known.__qualname__} already.")

    def __str__(self) -> str:
        """The sentence in the language of the moment."""
        if not self.details:
            return str(self.sentence)
        return str(self.sentence % self.details)


class NotFound(Refusal):
    """It does not exist, or it is not yours to see: the two look the same."""

    code = "not_found"
    sentence = _("There is nothing here. Check the address, or go back to the inbox.")


class NotAllowed(Refusal):
    """It exists and may be known, but this person may not do that."""

    code = "not_allowed"
    sentence = _("Your role does not allow this. Ask an owner of the shop.")


class Conflict(Refusal):
    """It was possible a moment ago, but something else happened first."""

    code = "conflict"
    sentence = _("Someone else changed this at the same time. Reload the page and try again.")


class Invalid(Refusal):
    """What was given cannot be used as it is."""

    code = "invalid"
    sentence = _("Something in the form is not right. Correct it and send it again.")


class TooMany(Refusal):
    """Too often, too fast; the same request is welcome after `retry_after` seconds."""

    code = "too_many"
    sentence = ngettext_lazy(
        "Too many attempts. Try again in %(retry_after)d second.",
        "Too many attempts. Try again in %(retry_after)d seconds.",
        "retry_after",
    )

    def __init__(self, retry_after: int, *, field: str | None = None, **details: object) -> None:
        """`retry_after` is in whole seconds, at least one."""
        self.retry_after = max(1, retry_after)
        super().__init__(field=field, retry_after=self.retry_after, **details)


class Unavailable(Refusal):
    """It cannot be done right now, through no fault of the one who asks."""

    code = "unavailable"
    sentence = _("This is not available at the moment. Try again in a little while.")
    retry_after: ClassVar[int] = 5


class StorageFull(Unavailable):
    """Nothing more fits on the disk; what was stored before is safe."""

    code = "storage_full"
    sentence = _("The server's disk is full, so nothing was saved. Free some space on the server, then try again.")
    retry_after = 30


class SendFailed(Exception):
    """Something outside did not take what we sent; a permanent failure is not tried again."""

    def __init__(self, *, permanent: bool, reason: str) -> None:
        """`reason` is for the shop's eyes: no passwords, addresses of servers or raw server answers."""
        super().__init__(reason)
        self.permanent = permanent
        self.reason = reason


def registry() -> dict[str, type[Refusal]]:
    """Every refusal that has a code of its own, by code."""
    return dict(sorted(_registry.items()))
