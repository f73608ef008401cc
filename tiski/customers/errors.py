"""What customers refuse, each with a sentence that names the remedy."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from tiski.kernel.errors import Conflict, Invalid


class NotAnAddress(Invalid):
    """The value cannot be an identity of its kind."""

    code = "customers.not_an_address"
    sentence = _("“%(value)s” is not a usable address. Check it and write it again.")


class IdentityTaken(Conflict):
    """Another customer is known by this address."""

    code = "customers.identity_taken"
    sentence = _("%(name)s is already known by this address. Merge the two customers if they are one person.")


class MergedAlready(Conflict):
    """One of the customers was merged into another meanwhile."""

    code = "customers.merged_already"
    sentence = _("This customer has been merged into another one. Reload the page to see the current state.")


class SameCustomer(Invalid):
    """A customer cannot be merged with itself."""

    code = "customers.same_customer"
    sentence = _("Choose two different customers to merge.")


class NotMerged(Conflict):
    """There is no merge to undo."""

    code = "customers.not_merged"
    sentence = _("This merge has been undone already. Reload the page to see the current state.")
