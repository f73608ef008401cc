"""Verbs of mailboxes: the only writers of cursors, and what a mail that was understood leads to."""

from tiski.channels.email.actions.cursors import begin, hold, let_go, start_over, take
from tiski.channels.email.actions.mailboxes import add_mailbox, ask_for_check, change_mailbox, report
from tiski.channels.email.actions.placing import act, bounced, quarantine

__all__ = [
    "act",
    "add_mailbox",
    "ask_for_check",
    "begin",
    "bounced",
    "change_mailbox",
    "hold",
    "let_go",
    "quarantine",
    "report",
    "start_over",
    "take",
]
