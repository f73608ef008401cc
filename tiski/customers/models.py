"""Nouns of customers: the customer, the identities by which they are recognised, and the merge of two into one."""

from __future__ import annotations

import re
import unicodedata

import idna
from django.db import models
from django.utils.translation import gettext_lazy as _

from tiski.accounts.models import Shop, ShopRow
from tiski.customers.errors import NotAnAddress
from tiski.kernel import clock

LONGEST_ADDRESS = 320
_EMAIL = re.compile(r"[^\s@<>()\[\]\\,;:\"]+@[^\s@<>()\[\]\\,;:\"]+\Z")
_NOT_DIALLED = re.compile(r"[\s().\-/]")


class BusyRow(ShopRow):
    """A shop's row in a table that is always reached by a better key than its shop.

    An index on the shop alone would be written with every row, and without statistics SQLite may choose it.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+", db_index=False)

    class Meta:
        abstract = True


class IdentityKind(models.TextChoices):
    """By what a person is recognised."""

    EMAIL = "email", _("Email")
    PHONE = "phone", _("Phone")
    VISITOR = "visitor", _("Browser")
    SHOP_ACCOUNT = "shop_account", _("Shop account")
    SOCIAL = "social", _("Social media")
    BSUID = "bsuid", _("WhatsApp user id")


class Customer(BusyRow):
    """A person the shop serves. A merged customer stays as a redirect: `merged_into` is always the one who remains."""

    name = models.CharField(max_length=120, blank=True, default="")
    folded_name = models.CharField(max_length=120, blank=True, default="", help_text="For finding by name.")
    language = models.CharField(max_length=8, blank=True, default="")
    created_at = models.DateTimeField(default=clock.now)
    merged_into = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="merged", db_index=False)

    class Meta:
        indexes = [
            # Nearly all are empty, which would make the planner think little of an index over all of them.
            models.Index(fields=["merged_into"], name="customer_merged", condition=models.Q(merged_into__isnull=False)),
            models.Index(
                fields=["shop", "folded_name"], name="customer_by_name", opclasses=["int8_ops", "varchar_pattern_ops"]
            ),
        ]
        constraints = [
            # A line break in a name could add a recipient to a mail (security.md A13).
            models.CheckConstraint(
                condition=~models.Q(name__contains="\n") & ~models.Q(name__contains="\r"),
                name="customer_name_is_one_line",
            )
        ]

    def __str__(self) -> str:
        return self.name or f"customer {self.pk}"

    @staticmethod
    def folded(name: str) -> str:
        """The name as it is compared when searching: case and composition do not matter, dots do."""
        return unicodedata.normalize("NFC", name).casefold()[:120]


class Identity(BusyRow):
    """One way to recognise a customer. Unique in its shop; names and unproved addresses never merge people."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="identities")
    kind = models.CharField(max_length=12, choices=IdentityKind)
    value = models.CharField(max_length=LONGEST_ADDRESS, help_text="Canonical; a visitor's is the hash of the token.")
    shown = models.CharField(max_length=LONGEST_ADDRESS, blank=True, default="", help_text="As first written.")
    verified_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(
                fields=["shop", "kind", "value"],
                name="identity_by_beginning",
                opclasses=["int8_ops", "varchar_pattern_ops", "varchar_pattern_ops"],
                condition=~models.Q(kind="visitor"),
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["shop", "kind", "value"], name="one_identity_per_address"),
            models.CheckConstraint(
                condition=~models.Q(value="") & ~models.Q(value__contains="\n") & ~models.Q(value__contains="\r"),
                name="identity_is_one_line",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of customer {self.customer_id}"

    @staticmethod
    def canonical(kind: str, value: str) -> str:
        """The value as it is compared (channels.md 3.7); raises `NotAnAddress` when it cannot be one.

        Email: NFC, domain lower-cased as IDNA, local part lower-cased in ASCII only; plus parts and dots stay, so
        `mıke@` and `mike@` are different people. Phone: digits with a leading plus where one was written.
        """
        value = unicodedata.normalize("NFC", value.strip())
        if kind == IdentityKind.EMAIL:
            value = _canonical_email(value)
        elif kind == IdentityKind.PHONE:
            value = _canonical_phone(value)
        if not value or len(value) > LONGEST_ADDRESS or any(unicodedata.category(sign) == "Cc" for sign in value):
            raise NotAnAddress(value=value[:80], field=kind)
        return value


class Merge(BusyRow):
    """The record of one merge, by which it can be undone: `gone` leads to `kept` until `undone_at`."""

    gone = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    kept = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="merges")
    carried = models.JSONField(default=list, help_text="Ids of customers that had been merged into `gone` before.")
    by_kind = models.CharField(max_length=16)
    by_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["gone"], condition=models.Q(undone_at__isnull=True), name="one_standing_merge"
            )
        ]

    def __str__(self) -> str:
        return f"customer {self.gone_id} into {self.kept_id}"


def _canonical_email(value: str) -> str:
    if not _EMAIL.match(value):
        raise NotAnAddress(value=value[:80], field=IdentityKind.EMAIL)
    local, domain = value.rsplit("@", 1)
    lowered = "".join(sign.lower() if sign.isascii() else sign for sign in local)
    domain = domain.rstrip(".").lower()
    try:
        # The standard library's codec drops zero-width spaces, which would make two addresses one.
        ascii_domain = domain if domain.isascii() else idna.encode(domain).decode()
    except idna.IDNAError as error:
        raise NotAnAddress(value=value[:80], field=IdentityKind.EMAIL) from error
    if not ascii_domain:
        raise NotAnAddress(value=value[:80], field=IdentityKind.EMAIL)
    return f"{lowered}@{ascii_domain}"


def _canonical_phone(value: str) -> str:
    digits = _NOT_DIALLED.sub("", value)
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    if not re.fullmatch(r"\+?[0-9]{3,20}", digits):
        raise NotAnAddress(value=value[:80], field=IdentityKind.PHONE)
    return digits
