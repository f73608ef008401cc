"""Why a mail was set aside, in words; the parser and the reader give codes."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

WORDS = {
    "from_missing": gettext_noop("It names no sender."),
    "from_repeated": gettext_noop("It names its sender more than once."),
    "from_several_addresses": gettext_noop("It names several senders at once."),
    "from_is_a_group": gettext_noop("Its sender is a group and no person."),
    "from_malformed": gettext_noop("Its sender’s address is broken."),
    "from_encoded_address": gettext_noop("Its sender’s address is hidden in a code."),
    "empty": gettext_noop("It is empty."),
    "not_a_mail": gettext_noop("It is not an email."),
    "too_large": gettext_noop("It is larger than 50 MB: only its headers are here, the rest is in the mailbox."),
    "headers_too_large": gettext_noop("Its headers are too large."),
    "not_fetched": gettext_noop("The mail server could not hand it over. It is in the mailbox."),
    "not_placed": gettext_noop("Something went wrong here while it was put in its place. The log says what."),
    "memory": gettext_noop("Reading it would have taken too much memory."),
    "cpu_time_exceeded": gettext_noop("Reading it would have taken too long."),
    "wall_time_exceeded": gettext_noop("Reading it would have taken too long."),
    "child_died": gettext_noop("The program that reads mail broke down over it."),
}


def in_words(code: str) -> str:
    """The reason as a sentence, in the language of the moment."""
    return _(WORDS[code]) if code in WORDS else _("It could not be read (%(code)s).") % {"code": code}


def is_worth_another_try(code: str) -> bool:
    """Whether reading it again could end otherwise: the rest of a mail does not come by itself."""
    return code not in {"too_large", "not_fetched"}
