"""Verbs of conversations, the only writers: `from tiski.conversations import actions as conversations`."""

from tiski.conversations.actions.channels import add_channel, change_channel, report_health, switch_channel
from tiski.conversations.actions.drafts import discard_draft, save_draft
from tiski.conversations.actions.envelopes import LONGEST_CHAT, MOST_FILES, Posted, Posting, Refused, Visitor
from tiski.conversations.actions.files import add_upload, add_uploads, drop_upload, uploader_of
from tiski.conversations.actions.inbound import (
    Incoming,
    Verdict,
    count_death,
    replay,
    settle,
    settle_many,
    store_raw,
    store_raw_many,
)
from tiski.conversations.actions.lifecycle import (
    assign,
    close,
    mark_read,
    mark_read_by_customer,
    reopen,
    set_subject,
    tag,
    tell_of_customer,
    unassign,
    untag,
)
from tiski.conversations.actions.opening import Opening, open_conversation, open_many
from tiski.conversations.actions.outbox import (
    claim_due,
    hold_after_restore,
    queue_outbox,
    record_accepted,
    record_bounced,
    record_failed,
    record_unknown,
    retry,
)
from tiski.conversations.actions.posting import post, post_many
from tiski.conversations.actions.replying import note, reply, take_back

__all__ = [
    "LONGEST_CHAT",
    "MOST_FILES",
    "Incoming",
    "Opening",
    "Posted",
    "Posting",
    "Refused",
    "Verdict",
    "Visitor",
    "add_channel",
    "add_upload",
    "add_uploads",
    "assign",
    "change_channel",
    "claim_due",
    "close",
    "count_death",
    "discard_draft",
    "drop_upload",
    "hold_after_restore",
    "mark_read",
    "mark_read_by_customer",
    "note",
    "open_conversation",
    "open_many",
    "post",
    "post_many",
    "queue_outbox",
    "record_accepted",
    "record_bounced",
    "record_failed",
    "record_unknown",
    "reopen",
    "replay",
    "reply",
    "report_health",
    "retry",
    "save_draft",
    "set_subject",
    "settle",
    "settle_many",
    "store_raw",
    "store_raw_many",
    "switch_channel",
    "tag",
    "take_back",
    "tell_of_customer",
    "unassign",
    "untag",
    "uploader_of",
]
