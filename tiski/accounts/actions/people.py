"""Who is in a shop, and as what."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from tiski.accounts import typed, whence
from tiski.accounts.errors import AddressTaken, AlreadyMember, AlreadySetUp, LastOwner, OnlyOwners
from tiski.accounts.events import InstanceSetUp, MembershipChanged, MembershipEnded, MembershipStarted
from tiski.accounts.models import Agent, Membership, Role, Shop
from tiski.kernel import clock
from tiski.kernel.action import SYSTEM, Actor, ActorKind, action
from tiski.kernel.events import emit
from tiski.kernel.scope import shop_scope

from .signing_in import end_all_sessions


def first_owner(*, name: str, email: str, password: str, language: str = "fi") -> Agent:
    """Set the instance up: its one owner, who may then open shops. Refused by the database once there is one."""
    hashed = make_password(password)
    return _first_owner(name=name, email=email, hashed=hashed, language=language, by=SYSTEM)


def create_agent(*, name: str, email: str, password: str | None = None, language: str = "fi", by: Actor) -> Agent:
    """An agent who is in no shop yet; without a password they sign in after asking for a reset letter."""
    hashed = make_password(password)
    return _create_agent(name=name, email=email, hashed=hashed, language=language, by=by)


@action
def add_member(shop: Shop, agent: Agent, *, role: str, by: Actor) -> Membership:
    """Take an agent into the shop, also one who was there before."""
    role = typed.role(role).value
    only_owners_touch_owners(shop.pk, role, by=by)
    with shop_scope(shop.pk):
        member = Membership.objects.filter(agent=agent).first()
        if member is not None and member.left_at is None:
            raise AlreadyMember(name=agent.name)
        member = member or Membership(shop=shop, agent=agent)
        member.role, member.joined_at, member.left_at, member.suspended_at = role, clock.now(), None, None
        member.save()
        emit(MembershipStarted(agent=agent.pk, role=role, ip=whence.address()), by=by)
    return member


@action
def change_role(member: Membership, *, to: str, keep_session: str | None = None, by: Actor) -> None:
    """Give a member another role and end their login sessions, all but the one given by its hashed key."""
    to = typed.role(to).value
    if member.role == to:
        return
    only_owners_touch_owners(member.shop_id, member.role, to, by=by)
    with shop_scope(member.shop_id):
        _someone_else_owns(member)
        was, member.role = member.role, to
        member.save(update_fields=["role"])
        emit(MembershipChanged(agent=member.agent_id, role=to, was=was, ip=whence.address()), by=by)
        end_all_sessions(member.agent, reason="role", keep=keep_session, by=by)


@action
def suspend_member(member: Membership, *, by: Actor) -> None:
    """Shut a member out of the shop for the time being and end their login sessions."""
    only_owners_touch_owners(member.shop_id, member.role, by=by)
    with shop_scope(member.shop_id):
        _someone_else_owns(member)
        member.suspended_at = clock.now()
        member.save(update_fields=["suspended_at"])
        _tell_of_suspension(member, suspended=True, by=by)
        end_all_sessions(member.agent, reason="suspended", by=by)


@action
def reinstate_member(member: Membership, *, by: Actor) -> None:
    """Let a suspended member in again."""
    only_owners_touch_owners(member.shop_id, member.role, by=by)
    member.suspended_at = None
    member.save(update_fields=["suspended_at"])
    with shop_scope(member.shop_id):
        _tell_of_suspension(member, suspended=False, by=by)


@action
def remove_member(member: Membership, *, by: Actor) -> None:
    """End a membership: the agent's sessions end everywhere, the answers they gave keep their name."""
    if by.id != member.agent_id or by.kind is not ActorKind.AGENT:
        only_owners_touch_owners(member.shop_id, member.role, by=by)
    with shop_scope(member.shop_id):
        _someone_else_owns(member)
        member.left_at = clock.now()
        member.save(update_fields=["left_at"])
        emit(MembershipEnded(agent=member.agent_id, role=member.role, ip=whence.address()), by=by)
        end_all_sessions(member.agent, reason="removed", by=by)


@action
def _first_owner(*, name: str, email: str, hashed: str, language: str, by: Actor) -> Agent:
    try:
        with transaction.atomic():
            owner = Agent.objects.create(
                name=typed.name(name),
                email=typed.address(email),
                password=hashed,
                language=typed.language(language),
                is_owner_of_instance=True,
            )
    except IntegrityError as taken:
        raise AlreadySetUp from taken
    emit(InstanceSetUp(agent=owner.pk), by=by)
    return owner


@action
def _create_agent(*, name: str, email: str, hashed: str, language: str, by: Actor) -> Agent:
    address = typed.address(email)
    try:
        with transaction.atomic():
            return Agent.objects.create(
                name=typed.name(name), email=address, password=hashed, language=typed.language(language)
            )
    except IntegrityError as taken:
        raise AddressTaken(address=address, field="email") from taken


def _tell_of_suspension(member: Membership, *, suspended: bool, by: Actor) -> None:
    told = MembershipChanged(
        agent=member.agent_id, role=member.role, was=member.role, suspended=suspended, ip=whence.address()
    )
    emit(told, by=by)


def only_owners_touch_owners(shop_id: int, *roles: str, by: Actor) -> None:
    if by.kind is not ActorKind.AGENT or Role.OWNER not in roles:
        return
    owners = Membership.unscoped.filter(Membership.CURRENT, shop_id=shop_id, role=Role.OWNER)
    if by.id is None or not owners.filter(agent_id=by.id).exists():
        raise OnlyOwners


def _someone_else_owns(member: Membership) -> None:
    """A shop is never left without an owner. The rows are locked, so that two owners cannot leave at once."""
    if member.role != Role.OWNER:
        return
    owners = Membership.objects.select_for_update(of=("self",), no_key=True).filter(Membership.CURRENT, role=Role.OWNER)
    if not any(owner.pk != member.pk for owner in owners):
        raise LastOwner
