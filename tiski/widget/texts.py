"""Every word the widget says, in the language of the moment. JavaScript holds no text: these travel in the config."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

Texts = dict[str, str | list[str]]


def texts() -> Texts:
    """Sentences by name; blanks are `%(name)s`, a list holds singular and plural."""
    return {**_window(), **_hours(), **_writing(), **_reading(), **_files()}


def _window() -> Texts:
    return {
        "launcher": [_("Open chat"), *_counted(_unread_launcher)],
        "close": _("Close chat"),
        "hello": _("Hi! How can we help?"),
        "about": _("Ask about products, delivery or your order. The answer comes here."),
        "who": _counted(_answers),
        "reconnecting": _("Reconnecting…"),
    }


def _hours() -> Texts:
    return {
        "open": _("Open now"),
        "open_until": _("Open today until %(time)s"),
        "closed": _("Closed now. We answer when we open."),
        "back_today": _("Closed now. We answer today from %(time)s."),
        "back_tomorrow": _("Closed now. We answer tomorrow from %(time)s."),
        "back_day_0": _("Closed now. We answer on Sunday from %(time)s."),
        "back_day_1": _("Closed now. We answer on Monday from %(time)s."),
        "back_day_2": _("Closed now. We answer on Tuesday from %(time)s."),
        "back_day_3": _("Closed now. We answer on Wednesday from %(time)s."),
        "back_day_4": _("Closed now. We answer on Thursday from %(time)s."),
        "back_day_5": _("Closed now. We answer on Friday from %(time)s."),
        "back_day_6": _("Closed now. We answer on Saturday from %(time)s."),
        "back_on": _("Closed now. We answer on %(date)s from %(time)s."),
    }


def _writing() -> Texts:
    return {
        "your_message": _("Your message"),
        "placeholder": _("Write a message…"),
        "send": _("Send"),
        "sending": _("Sending…"),
        "sent": _("Sent"),
        "read": _("Read"),
        "failed": _("Not sent."),
        "unsent": _("The chat did not answer."),
        "retry": _("Try again"),
        "discard": _("Delete"),
        "too_long": _counted(_too_long),
    }


def _reading() -> Texts:
    return {
        "conversation": _("Conversation"),
        "you": _("You"),
        "today": _("Today"),
        "yesterday": _("Yesterday"),
        "new": _("New messages"),
        "unread": _counted(_new_messages),
        "latest": _("To the latest message"),
        "earlier": _("Show earlier messages"),
        "ended": _("This conversation has ended. Write to continue it."),
        "typing": _("%(name)s is typing…"),
        "typing_somebody": _("Typing…"),
        "said": _("%(name)s: %(text)s"),
        "sent_file": _("sent a file, %(name)s"),
        "and_more": _counted(_and_more),
    }


def _files() -> Texts:
    return {
        "attach": _("Attach a file"),
        "drop": _("Drop the files here"),
        "remove": _("Remove %(name)s"),
        "uploading": _("Sending %(name)s"),
        "download": _("Download %(name)s"),
        "picture": _("Picture: %(name)s"),
        "file_big": _("%(name)s is too large. A file may be at most %(limit)s."),
        "file_type": _("%(name)s cannot be sent. Send a picture, a video, a PDF or a document."),
        "file_empty": _("%(name)s is empty."),
        "file_many": _counted(_at_most),
        "file_failed": _("%(name)s was not sent. Remove it and try again."),
        "file_wait": _("The message leaves as soon as the file is up."),
        "kilobytes": _("%(size)s kB"),
        "megabytes": _("%(size)s MB"),
    }


def _counted(sentence: Callable[[int], str]) -> list[str]:
    """Singular and plural of a sentence; the languages we speak have these two forms."""
    return [sentence(1), sentence(2)]


def _unread_launcher(count: int) -> str:
    return ngettext("Open chat, %(count)s unread message", "Open chat, %(count)s unread messages", count)


def _answers(count: int) -> str:
    return ngettext("%(names)s answers you.", "%(names)s answer you.", count)


def _too_long(count: int) -> str:
    return ngettext(
        "The message is too long by %(count)s character.", "The message is too long by %(count)s characters.", count
    )


def _new_messages(count: int) -> str:
    return ngettext("%(count)s new message", "%(count)s new messages", count)


def _and_more(count: int) -> str:
    return ngettext("and %(count)s more message", "and %(count)s more messages", count)


def _at_most(count: int) -> str:
    return ngettext(
        "A message can carry at most %(count)s file.", "A message can carry at most %(count)s files.", count
    )
