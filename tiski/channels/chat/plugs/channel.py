"""What chat can do, for everyone who asks abilities instead of names."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from tiski.channels.chat import queries
from tiski.conversations.contract import (
    ALLOWED,
    Ability,
    Accepted,
    Addressee,
    Outgoing,
    Situation,
    Verdict,
    register_channel,
)


class Chat:
    """Answers reach the visitor over the socket, or wait until they come back: nothing leaves through the outbox."""

    kind = queries.KIND
    can = frozenset({Ability.FILES, Ability.TYPING, Ability.PRESENCE})
    longest_body = 4_000

    @property
    def name(self) -> str:
        """As people call it."""
        return _("Chat")

    def can_send(self, conversation: Situation) -> Verdict:
        """Always: who has left reads the answer on return."""
        return ALLOWED

    def addressees(self, conversation: Situation) -> Sequence[Addressee]:
        """Nobody outside."""
        return ()

    def deliver(self, item: Outgoing) -> Accepted:
        """Never asked, because there are no addressees."""
        raise NotImplementedError("chat sends nothing through the outbox")


register_channel(Chat())
