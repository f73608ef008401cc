"""Nouns of accounts: shop, agent, membership, team, hours, login session and audit entry."""

from .audit import AuditEntry
from .hours import Hours, HoursException, OpenInterval
from .people import Agent, Density, Invitation, Membership, Role, Team, TeamMember, Theme
from .sessions import AgentSession
from .shop import Language, Shop, ShopRow

__all__ = [
    "Agent",
    "AgentSession",
    "AuditEntry",
    "Density",
    "Hours",
    "HoursException",
    "Invitation",
    "Language",
    "Membership",
    "OpenInterval",
    "Role",
    "Shop",
    "ShopRow",
    "Team",
    "TeamMember",
    "Theme",
]
