"""Making teams and choosing who is in them."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from tiski.accounts import typed, whence
from tiski.accounts.errors import NotAMember, TeamNameTaken
from tiski.accounts.events import TeamChanged
from tiski.accounts.models import Agent, Membership, Shop, Team, TeamMember
from tiski.kernel.action import Actor, action
from tiski.kernel.events import emit
from tiski.kernel.scope import shop_scope


@action
def create_team(shop: Shop, *, name: str, by: Actor) -> Team:
    """Start a team with nobody in it yet."""
    team = Team(shop=shop, name=typed.name(name)[:60])
    _keep(team, by=by)
    return team


@action
def rename_team(team: Team, *, name: str, by: Actor) -> None:
    """Call a team something else."""
    team.name = typed.name(name)[:60]
    _keep(team, by=by)


@action
def remove_team(team: Team, *, by: Actor) -> None:
    """Dissolve a team; its members stay in the shop."""
    team_id = team.pk
    with shop_scope(team.shop_id):
        team.delete()
        emit(TeamChanged(team=team_id, ip=whence.address()), by=by)


@action
def add_to_team(team: Team, agent: Agent, *, by: Actor) -> None:
    """Put a member of the shop into the team; who is in it already stays."""
    with shop_scope(team.shop_id):
        if not Membership.objects.filter(Membership.CURRENT, agent=agent).exists():
            raise NotAMember
        TeamMember.objects.get_or_create(team=team, agent=agent, defaults={"shop_id": team.shop_id})
        emit(TeamChanged(team=team.pk, ip=whence.address()), by=by)


@action
def remove_from_team(team: Team, agent: Agent, *, by: Actor) -> None:
    """Take someone out of the team."""
    with shop_scope(team.shop_id):
        TeamMember.objects.filter(team=team, agent=agent).delete()
        emit(TeamChanged(team=team.pk, ip=whence.address()), by=by)


def _keep(team: Team, *, by: Actor) -> None:
    with shop_scope(team.shop_id):
        try:
            with transaction.atomic():
                team.save()
        except IntegrityError as taken:
            raise TeamNameTaken(name=team.name, field="name") from taken
        emit(TeamChanged(team=team.pk, ip=whence.address()), by=by)
