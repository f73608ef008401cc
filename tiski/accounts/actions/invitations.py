"""Inviting people, and their coming."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from tiski.accounts import typed, whence
from tiski.accounts.errors import AddressTaken, AlreadyMember, InvitationGone, InvitedSomeoneElse
from tiski.accounts.events import AgentInvited, InvitationWithdrawn, MembershipStarted
from tiski.accounts.models import Agent, Invitation, Membership, Role, Shop
from tiski.accounts.policies import owns_the_shop, runs_the_shop
from tiski.kernel import clock
from tiski.kernel.action import Actor, ActorKind, action
from tiski.kernel.events import emit
from tiski.kernel.scope import shop_scope

from .people import only_owners_touch_owners

VALID_FOR = timedelta(days=7)


@action
def invite(shop: Shop, *, email: str, role: str, by: Actor) -> Invitation:
    """Ask someone to join the shop: a letter with a link follows. An earlier invitation to the address is withdrawn."""
    address, given_role = typed.address(email), typed.role(role).value
    only_owners_touch_owners(shop.pk, given_role, by=by)
    with shop_scope(shop.pk):
        member = Membership.objects.filter(agent__email=address, left_at__isnull=True).select_related("agent").first()
        if member is not None:
            raise AlreadyMember(name=member.agent.name, field="email")
        for earlier in Invitation.objects.filter(email=address, accepted_at__isnull=True, withdrawn_at__isnull=True):
            _withdraw(earlier, by=by)
        invitation = Invitation.objects.create(
            shop=shop,
            email=address,
            role=given_role,
            invited_by_id=by.id if by.kind is ActorKind.AGENT else None,
            expires_at=clock.now() + VALID_FOR,
        )
        emit(AgentInvited(invitation=invitation.pk, role=given_role, ip=whence.address()), by=by)
    return invitation


@action
def withdraw_invitation(shop: Shop, invitation_id: int, *, by: Actor) -> None:
    """Take an invitation back; its link stops working."""
    with shop_scope(shop.pk):
        invitation = Invitation.objects.filter(
            pk=invitation_id, accepted_at__isnull=True, withdrawn_at__isnull=True
        ).first()
        if invitation is None:
            raise InvitationGone
        _withdraw(invitation, by=by)


def join_by_invitation(invitation: Invitation, *, name: str, password: str, language: str, by: Actor) -> Agent:
    """Come into the shop as someone new to this instance: the invited address becomes the sign-in."""
    return _join(invitation, name=name, hashed=make_password(password), language=language, by=by)


@action
def accept_invitation(invitation: Invitation, *, agent: Agent, by: Actor) -> Membership:
    """Come into the shop as an agent who signs in to this instance already, with the very address that was invited."""
    if agent.email != invitation.email:
        raise InvitedSomeoneElse(address=invitation.email)
    return _accept(invitation, agent, by=by)


@action
def _join(invitation: Invitation, *, name: str, hashed: str, language: str, by: Actor) -> Agent:
    try:
        with transaction.atomic():
            agent = Agent.objects.create(
                name=typed.name(name), email=invitation.email, password=hashed, language=typed.language(language)
            )
    except IntegrityError as taken:
        raise AddressTaken(address=invitation.email, field="email") from taken
    _accept(invitation, agent, by=Actor(ActorKind.AGENT, agent.pk, agent.name))
    return agent


def _accept(invitation: Invitation, agent: Agent, *, by: Actor) -> Membership:
    """Used once: of two that press at the same time, the guarded update lets one through."""
    with shop_scope(invitation.shop_id):
        now = clock.now()
        used = Invitation.objects.filter(
            pk=invitation.pk, accepted_at__isnull=True, withdrawn_at__isnull=True, expires_at__gt=now
        ).update(accepted_at=now)
        if not used or not _inviter_still_may(invitation):
            raise InvitationGone
        member = Membership.objects.filter(agent=agent).first()
        if member is not None and member.left_at is None:
            raise AlreadyMember(name=agent.name)
        member = member or Membership(shop_id=invitation.shop_id, agent=agent)
        member.role, member.joined_at, member.left_at, member.suspended_at = invitation.role, now, None, None
        member.save()
        started = MembershipStarted(agent=agent.pk, role=invitation.role, invitation=invitation.pk, ip=whence.address())
        emit(started, by=by)
    return member


def _inviter_still_may(invitation: Invitation) -> bool:
    """An invitation is worth no more than the one who made it: it dies when they lose the role they invited with."""
    if invitation.invited_by_id is None:
        return True
    inviter = Membership.objects.filter(Membership.CURRENT, agent_id=invitation.invited_by_id).first()
    policy = owns_the_shop if invitation.role == Role.OWNER else runs_the_shop
    return inviter is not None and policy.allows(inviter.role)


def _withdraw(invitation: Invitation, *, by: Actor) -> None:
    invitation.withdrawn_at = clock.now()
    invitation.save(update_fields=["withdrawn_at"])
    emit(InvitationWithdrawn(invitation=invitation.pk, ip=whence.address()), by=by)
