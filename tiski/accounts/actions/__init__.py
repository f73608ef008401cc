"""Verbs of accounts: the only writers of shops, people, hours, sessions and the audit log."""

from .audit import keep_in_the_audit_log, record, record_fact
from .hours import DaySpans, add_exception, add_holidays, remove_exception, set_hours
from .invitations import accept_invitation, invite, join_by_invitation, withdraw_invitation
from .people import add_member, change_role, create_agent, first_owner, reinstate_member, remove_member, suspend_member
from .profile import change_password, deactivate_agent, reset_password, set_photo, update_profile
from .shops import create_shop, remove_shop, update_brand, update_shop
from .signing_in import (
    clear_expired_sessions,
    end_other_sessions,
    end_session,
    record_failed_sign_in,
    record_sign_in,
    record_sign_out,
    request_password_reset,
)
from .teams import add_to_team, create_team, remove_from_team, remove_team, rename_team

__all__ = [
    "DaySpans",
    "accept_invitation",
    "add_exception",
    "add_holidays",
    "add_member",
    "add_to_team",
    "change_password",
    "change_role",
    "clear_expired_sessions",
    "create_agent",
    "create_shop",
    "create_team",
    "deactivate_agent",
    "end_other_sessions",
    "end_session",
    "first_owner",
    "invite",
    "join_by_invitation",
    "keep_in_the_audit_log",
    "record",
    "record_fact",
    "record_failed_sign_in",
    "record_sign_in",
    "record_sign_out",
    "reinstate_member",
    "remove_exception",
    "remove_from_team",
    "remove_member",
    "remove_shop",
    "remove_team",
    "rename_team",
    "request_password_reset",
    "reset_password",
    "set_hours",
    "set_photo",
    "suspend_member",
    "update_brand",
    "update_profile",
    "update_shop",
    "withdraw_invitation",
]
