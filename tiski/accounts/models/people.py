"""People: agents, their membership in shops, teams and invitations."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from tiski.kernel import clock
from tiski.kernel.ids import uuid7

from .shop import Language, ShopRow


class Role(models.TextChoices):
    """What a member may do in one shop, from most to least."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    AGENT = "agent", _("Agent")
    VIEWER = "viewer", _("Viewer")


class Theme(models.TextChoices):
    """Colours of the console; `system` follows the device."""

    SYSTEM = "system", _("Same as the device")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class Density(models.TextChoices):
    """How close the rows of the console stand."""

    COMFORTABLE = "comfortable", _("Comfortable")
    COMPACT = "compact", _("Compact")


class AgentManager(BaseUserManager["Agent"]):
    """Finds agents by email as written in lower case: one address is one person."""

    def get_by_natural_key(self, username: str | None) -> Agent:
        """The agent with this email, whatever its case."""
        return self.get(email=(username or "").lower())


class Agent(AbstractBaseUser):
    """A person who answers customers. Instance-wide: what they may do is said by their memberships."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=80)
    language = models.CharField(max_length=2, choices=Language, default=Language.FINNISH)
    theme = models.CharField(max_length=8, choices=Theme, default=Theme.SYSTEM)
    density = models.CharField(max_length=12, choices=Density, default=Density.COMFORTABLE)
    single_keys = models.BooleanField(default=True, help_text="Single-letter shortcuts in the console.")
    photo = models.CharField(max_length=32, blank=True, default="", help_text="Id of a blob.")
    is_active = models.BooleanField(default=True)
    is_owner_of_instance = models.BooleanField(default=False)
    sessions_ended_at = models.DateTimeField(null=True, help_text="Password reset links made before it are void.")
    created_at = models.DateTimeField(default=clock.now)

    objects = AgentManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_owner_of_instance"],
                condition=models.Q(is_owner_of_instance=True),
                name="one_owner_of_the_instance",
            ),
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="agent_email_in_lower_case"),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(ShopRow):
    """An agent's place in a shop. The row stays when they leave, so that their answers keep a name."""

    CURRENT: ClassVar[models.Q] = models.Q(left_at__isnull=True, suspended_at__isnull=True, agent__is_active=True)

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role)
    joined_at = models.DateTimeField(default=clock.now)
    suspended_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "agent"], name="one_membership_per_shop")]

    def __str__(self) -> str:
        return f"{self.role} {self.agent_id} of shop {self.shop_id}"

    @property
    def is_current(self) -> bool:
        """Whether the member may enter the shop now."""
        return self.left_at is None and self.suspended_at is None and self.agent.is_active


class Team(ShopRow):
    """Some members of a shop who answer for one subject, such as returns."""

    name = models.CharField(max_length=60)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "name"], name="team_name_in_shop")]

    def __str__(self) -> str:
        return self.name


class TeamMember(ShopRow):
    """An agent's place in a team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="members")
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "agent"], name="once_in_a_team")]

    def __str__(self) -> str:
        return f"agent {self.agent_id} in team {self.team_id}"


class Invitation(ShopRow):
    """A letter asking someone to join a shop. The link is signed and made when the letter is sent: none is stored."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)
    email = models.EmailField()
    role = models.CharField(max_length=8, choices=Role)
    invited_by = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "email"],
                condition=models.Q(accepted_at__isnull=True, withdrawn_at__isnull=True),
                name="one_open_invitation",
            )
        ]

    def __str__(self) -> str:
        return f"{self.role} invitation {self.uuid}"

    @property
    def is_open(self) -> bool:
        """Whether it can still be accepted."""
        return self.accepted_at is None and self.withdrawn_at is None and self.expires_at > clock.now()
