"""Reads for pages, the live half and other packages: frozen rows, never models to be changed."""

from tiski.accounts.opening import OpenState
from tiski.accounts.policies import membership

from .audit import ChainBreak, broken_audit_entries
from .hours import ExceptionRow, WeekDay, exceptions, open_state, timetable, week
from .people import (
    AgentFace,
    FormerMemberRow,
    InvitationRow,
    MemberRow,
    ShopChoice,
    TeamRow,
    agent,
    answering,
    face,
    first_shop,
    former_members,
    former_shop,
    invitations,
    members,
    role_in,
    shops_of,
    teams,
)
from .sessions import SessionRow, SignedInAgent, sessions_of, signed_in

__all__ = [
    "AgentFace",
    "ChainBreak",
    "ExceptionRow",
    "FormerMemberRow",
    "InvitationRow",
    "MemberRow",
    "OpenState",
    "SessionRow",
    "ShopChoice",
    "SignedInAgent",
    "TeamRow",
    "WeekDay",
    "agent",
    "answering",
    "broken_audit_entries",
    "exceptions",
    "face",
    "first_shop",
    "former_members",
    "former_shop",
    "invitations",
    "members",
    "membership",
    "open_state",
    "role_in",
    "sessions_of",
    "shops_of",
    "signed_in",
    "teams",
    "timetable",
    "week",
]
