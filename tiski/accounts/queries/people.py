"""Reading people: who is in a shop, which shops an agent has, and how an agent looks to others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, IntegerField, QuerySet, Value, When

from tiski.accounts.models import Agent, Invitation, Membership, Role, Team, TeamMember
from tiski.kernel import clock
from tiski.kernel.reading import columns, fetch, made
from tiski.kernel.scope import current_shop

_AGENT = "SELECT {columns} FROM accounts_agent a WHERE a.id = %s"
_CURRENT = "m.left_at IS NULL AND m.suspended_at IS NULL AND a.is_active"
_ROLE = f"""
    SELECT m.role FROM accounts_membership m JOIN accounts_agent a ON a.id = m.agent_id
    WHERE m.shop_id = %s AND m.agent_id = %s AND {_CURRENT}
"""  # noqa: S608  a condition of our own
_SHOPS = f"""
    SELECT s.id, s.key, s.name, m.role, s.logo, s.colour, s.is_demo FROM accounts_membership m
    JOIN accounts_shop s ON s.id = m.shop_id JOIN accounts_agent a ON a.id = m.agent_id
    WHERE m.agent_id = %s AND {_CURRENT} ORDER BY s.name, s.id
"""  # noqa: S608
_ANSWERING = f"""
    SELECT a.id, a.name, a.photo FROM accounts_membership m JOIN accounts_agent a ON a.id = m.agent_id
    WHERE m.shop_id = %s AND {_CURRENT} AND m.role <> 'viewer'
    ORDER BY CASE m.role WHEN 'owner' THEN 0 WHEN 'admin' THEN 1 ELSE 2 END, a.name, a.id
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class ShopChoice:
    """A shop in the switcher."""

    id: int
    key: str
    name: str
    role: str
    logo: str
    colour: str
    is_demo: bool


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member in the list of people."""

    id: int
    agent_id: int
    name: str
    email: str
    photo: str
    role: str
    joined_at: datetime
    suspended_at: datetime | None
    last_login: datetime | None
    teams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FormerMemberRow:
    """Someone who left the shop, and may be taken back with the role they had."""

    id: int
    name: str
    email: str
    photo: str
    role: str
    left_at: datetime


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An invitation that can still be accepted, or has just become too old."""

    id: int
    email: str
    role: str
    created_at: datetime
    expires_at: datetime
    is_expired: bool


@dataclass(frozen=True, slots=True)
class TeamRow:
    """A team and who is in it."""

    id: int
    name: str
    agent_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AgentFace:
    """How an agent looks to customers and colleagues."""

    id: int
    name: str
    photo: str


def agent(number: int) -> Agent | None:
    """The agent with this id; asked by every request."""
    found = fetch(_AGENT.format(columns=columns(Agent, "a")), [number])
    return made(Agent, found[0]) if found else None


def role_in(shop_id: int, agent_id: int) -> Role | None:
    """The agent's current role in a shop, or None: asked by the live half at every subscription."""
    found = fetch(_ROLE, [shop_id, agent_id])
    return Role(found[0][0]) if found else None


def former_shop(agent: Agent, shop_key: str) -> int | None:
    """Id of the shop with this key if the agent was in it once and may not enter any more."""
    found = Membership.unscoped.filter(agent_id=agent.pk, shop__key=shop_key).exclude(Membership.CURRENT)
    return found.values_list("shop_id", flat=True).first()


def shops_of(agent: Agent) -> list[ShopChoice]:
    """The shops an agent works in, by name."""
    return [
        ShopChoice(number, key, name, role, logo, colour, bool(is_demo))
        for number, key, name, role, logo, colour, is_demo in fetch(_SHOPS, [agent.pk])
    ]


def first_shop(agent: Agent) -> ShopChoice | None:
    """Where the agent's day begins: a real shop before a demo, then by name."""
    return min(shops_of(agent), key=lambda shop: shop.is_demo, default=None)


def members(*, answering: bool = False) -> list[MemberRow]:
    """People of the shop in scope, owners first, then by name. `answering` leaves out viewers and the suspended."""
    found: QuerySet[Membership] = Membership.objects.filter(left_at__isnull=True, agent__is_active=True)
    if answering:
        found = found.filter(suspended_at__isnull=True).exclude(role=Role.VIEWER)
    rank = Case(*(When(role=role, then=Value(place)) for place, role in enumerate(Role)), output_field=IntegerField())
    people = list(found.select_related("agent").order_by(rank, "agent__name", "agent_id"))
    names = _team_names()
    return [_row(member, names.get(member.agent_id, ())) for member in people]


def answering() -> list[AgentFace]:
    """Whom a conversation of the shop in scope can be given to: owners first, then by name."""
    return [AgentFace(*row) for row in fetch(_ANSWERING, [current_shop()])]


def former_members() -> list[FormerMemberRow]:
    """People who have left the shop in scope and can still sign in somewhere, the last to leave first."""
    columns = ("id", "agent__name", "agent__email", "agent__photo", "role", "left_at")
    gone = Membership.objects.filter(left_at__isnull=False, agent__is_active=True).order_by("-left_at")
    return [FormerMemberRow(*row) for row in gone.values_list(*columns)]


def invitations() -> list[InvitationRow]:
    """Invitations of the shop in scope that nobody has accepted or withdrawn, newest first."""
    waiting = Invitation.objects.filter(accepted_at__isnull=True, withdrawn_at__isnull=True).order_by("-created_at")
    now = clock.now()
    return [
        InvitationRow(each.pk, each.email, each.role, each.created_at, each.expires_at, each.expires_at <= now)
        for each in waiting
    ]


def teams() -> list[TeamRow]:
    """Teams of the shop in scope, by name."""
    inside: dict[int, list[int]] = {}
    for team_id, agent_id in TeamMember.objects.order_by("agent__name").values_list("team_id", "agent_id"):
        inside.setdefault(team_id, []).append(agent_id)
    return [TeamRow(team.pk, team.name, tuple(inside.get(team.pk, ()))) for team in Team.objects.order_by("name")]


def face(agent_id: int) -> AgentFace | None:
    """Name and photo of an agent, also of one who has left: old answers keep their author."""
    found = Agent.objects.filter(pk=agent_id).values_list("id", "name", "photo").first()
    return None if found is None else AgentFace(*found)


def _row(member: Membership, teams_of_agent: tuple[str, ...]) -> MemberRow:
    agent = member.agent
    return MemberRow(
        id=member.pk,
        agent_id=agent.pk,
        name=agent.name,
        email=agent.email,
        photo=agent.photo,
        role=member.role,
        joined_at=member.joined_at,
        suspended_at=member.suspended_at,
        last_login=agent.last_login,
        teams=teams_of_agent,
    )


def _team_names() -> dict[int, tuple[str, ...]]:
    names: dict[int, tuple[str, ...]] = {}
    for agent_id, name in TeamMember.objects.order_by("team__name").values_list("agent_id", "team__name"):
        names[agent_id] = (*names.get(agent_id, ()), name)
    return names
