"""What a mail server answers, in the shop's words; its own words follow, for whoever can use them."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from tiski.kernel.text import clean_line

STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")


def in_words(code: int, answer: str) -> str:
    """Why a mail was not taken, from the reply code and the enhanced status (RFC 5321, RFC 3463)."""
    said = clean_line(answer, longest=240)
    return f"{_meaning(code, said)} ({code} {said})"


def closed() -> str:
    """The server hung up before it had the mail."""
    return _("The mail server closed the connection before it had the message.")


def broke_off() -> str:
    """The server had the mail and said nothing."""
    return _("The connection broke before the mail server said whether it took the message.")


def no_such_letters() -> str:
    """The server does not know international addresses (RFC 6531)."""
    return _(
        "The mail server cannot send to an address with letters like these. Use another way to reach the customer."
    )


def not_writable() -> str:
    """No mail can be made of the message."""
    return _("No mail can be made of this message: its address or one of its files is not usable.")


def _meaning(code: int, said: str) -> str:
    status = STATUS.search(said)
    kind = (int(status[2]), int(status[3])) if status else (0, 0)
    if code < 500:
        return _("The mail server cannot take the message just now; it is sent again later.")
    if kind[0] == 1 or code == 553:
        return _("The address does not exist, or takes no mail. Check it with the customer in another way.")
    if kind == (2, 2):
        return _("The customer’s mailbox is full.")
    if kind in {(2, 3), (3, 4)} or code == 552:
        return _("The message is too large for the mail server. Send the files in another way.")
    if kind[0] == 7:
        return _("The mail server refuses mail from this mailbox. Ask your mail provider why.")
    return _("The mail server refused the message.")
