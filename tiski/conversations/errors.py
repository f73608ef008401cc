"""What conversations refuse, each with a sentence that names the remedy."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from tiski.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Unavailable


class NoSuchConversation(NotFound):
    """The conversation does not exist, or is not this person's."""

    code = "conversations.not_found"
    sentence = _("This conversation is not here. Start a new one, or go back to the inbox.")


class EmptyMessage(Invalid):
    """There is neither text nor a file."""

    code = "conversations.empty"
    sentence = _("The message is empty. Write something or add a file.")


class MessageTooLong(Invalid):
    """The text has more characters than the channel takes."""

    code = "conversations.too_long"
    sentence = _("The message is %(length)d characters long; at most %(limit)d fit. Shorten it or send it in parts.")


class FileNotYours(Invalid):
    """A file does not exist, was used already, or was uploaded by someone else."""

    code = "conversations.file"
    sentence = _("One of the files is no longer available. Remove it and add it again.")


class TooManyFiles(Invalid):
    """A message carries more files than is allowed."""

    code = "conversations.too_many_files"
    sentence = _("At most %(limit)d files fit in one message. Send the rest in another message.")


class MessageNotStored(Unavailable):
    """The message could not be stored, though others could."""

    code = "conversations.not_stored"
    sentence = _("The message could not be stored. Copy your text, reload the page and send it again.")


class NewerMessages(Conflict):
    """Something was said since the writer last looked; `after` is the last seq they had seen."""

    code = "conversations.newer_messages"
    sentence = ngettext_lazy(
        "There is %(count)d new message. Read it, then send again if your answer still fits.",
        "There are %(count)d new messages. Read them, then send again if your answer still fits.",
        "count",
    )


class CannotSend(Conflict):
    """The channel does not allow an answer now."""

    code = "conversations.cannot_send"
    sentence = _("This answer cannot be sent: %(reason)s")


class NoDestination(Conflict):
    """Nobody knows where the answer should go."""

    code = "conversations.no_destination"
    sentence = _("There is no address to send the answer to. Add one to the customer, then send again.")


class AlreadySent(Conflict):
    """The message has left; it cannot be taken back."""

    code = "conversations.already_sent"
    sentence = _("The message has been sent already and cannot be taken back.")


class ClaimLost(Conflict):
    """Someone else has taken over the item: the result of an old claim does not count."""

    code = "conversations.claim_lost"
    sentence = _("Another worker has taken this message over. Its result is the one that counts.")


class NotWaitingForRetry(Conflict):
    """Only what has failed, or whose outcome is unknown, can be sent again."""

    code = "conversations.not_failed"
    sentence = _("This message is not waiting for another try. Reload the page to see its state.")


class AlreadyClosed(Conflict):
    """The conversation is closed."""

    code = "conversations.already_closed"
    sentence = _("This conversation is closed already. Reload the page to see its state.")


class NotClosed(Conflict):
    """The conversation is open."""

    code = "conversations.not_closed"
    sentence = _("This conversation is open already. Reload the page to see its state.")


class NotAMember(Invalid):
    """Conversations are given only to people who answer in this shop."""

    code = "conversations.not_a_member"
    sentence = _("%(name)s does not answer customers in this shop. Choose someone who does.")


class DraftMoved(Conflict):
    """The draft was sent, discarded or saved elsewhere since this copy was loaded."""

    code = "conversations.draft_moved"
    sentence = _("This draft was sent or changed in another window. Load the conversation again to see it.")


class MayNotAnswer(NotAllowed):
    """The role of the person is to read, not to answer."""

    code = "conversations.may_not_answer"
    sentence = _(
        "Your role lets you read conversations but not answer them. Ask an owner of the shop for the agent role."
    )


class SubjectNotOneLine(Invalid):
    """A subject has no line breaks."""

    code = "conversations.subject_not_one_line"
    sentence = _("A subject is one line of at most %(limit)d characters. Shorten it or remove the line breaks.")


class KeyTaken(Conflict):
    """Another channel account has this key."""

    code = "conversations.key_taken"
    sentence = _("The key “%(key)s” is in use. Choose another one.")


class RawTooLarge(Invalid):
    """A received item is larger than can be kept."""

    code = "conversations.raw_too_large"
    sentence = _("A received message is larger than %(limit)d MB and was not kept. Ask the sender for a smaller one.")
