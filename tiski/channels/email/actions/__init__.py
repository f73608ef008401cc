"""Verbs of mailboxes: the only writers of cursors, and what a mail that was understood leads to."""

from tiski.channels.email.actions.cursors import begin, forget_place, hold, let_go, looked_through, take
from tiski.channels.email.actions.mailboxes import add_mailbox, ask_for_check, change_mailbox, recovered, report
from tiski.channels.email.actions.placing import act, quarantine

__all__ = [
    "act",
    "add_mailbox",
    "ask_for_check",
    "begin",
    "change_mailbox",
    "forget_place",
    "hold",
    "let_go",
    "looked_through",
    "quarantine",
    "recovered",
    "report",
    "take",
]
