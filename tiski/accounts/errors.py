"""What accounts refuses, each with a sentence that names the remedy."""

from django.utils.translation import gettext_lazy as _

from tiski.kernel.errors import Conflict, Invalid, NotAllowed, NotFound


class ShopNotFound(NotFound):
    """No such shop, or not one of yours: the two look the same."""

    code = "accounts.shop_not_found"
    sentence = _("There is nothing here. Check the address, or go back to the inbox.")


class RoleTooLow(NotAllowed):
    """The member's role does not reach that far."""

    code = "accounts.role_too_low"
    sentence = _("Your role does not allow this. Ask an owner of the shop.")


class OnlyOwners(NotAllowed):
    """Ownership is given and taken by owners alone."""

    code = "accounts.only_owners"
    sentence = _("Only an owner can give, change or take away the role of owner. Ask an owner of the shop.")


class KeyTaken(Conflict):
    """The key stands in another shop's address, or in one of Tiski's own."""

    code = "accounts.key_taken"
    sentence = _("The address “%(key)s” is in use. Choose another.")


class BadKey(Invalid):
    """The key cannot stand in an address."""

    code = "accounts.bad_key"
    sentence = _("Use 1-40 lower-case letters, digits and hyphens; begin and end with a letter or a digit.")


class NameMissing(Invalid):
    """A name was left empty."""

    code = "accounts.name_missing"
    sentence = _("Write a name.")


class UnknownTimezone(Invalid):
    """Not a zone of the IANA database."""

    code = "accounts.unknown_timezone"
    sentence = _("“%(timezone)s” is not a timezone. Choose one from the list, for example Europe/Helsinki.")


class UnknownChoice(Invalid):
    """A language, role, theme or density that does not exist."""

    code = "accounts.unknown_choice"
    sentence = _("“%(choice)s” is not one of the choices. Choose one from the list.")


class BadColour(Invalid):
    """Not a colour of six hexadecimal digits."""

    code = "accounts.bad_colour"
    sentence = _("Write the colour as # and six digits, for example #0f5b50.")


class BadAddress(Invalid):
    """Not an email address."""

    code = "accounts.bad_address"
    sentence = _("“%(address)s” is not an email address. Check it, for example name@shop.example.")


class OnlyDemosAreRemoved(NotAllowed):
    """A real shop keeps its history."""

    code = "accounts.only_demos_are_removed"
    sentence = _("Only a demo shop can be removed. A real shop keeps its history.")


class AlreadySetUp(Conflict):
    """The instance has an owner: set-up happens once."""

    code = "accounts.already_set_up"
    sentence = _("This installation has an owner already. Sign in, or ask the owner for an invitation.")


class AddressTaken(Conflict):
    """Somebody signs in with this address already."""

    code = "accounts.address_taken"
    sentence = _("Somebody signs in with %(address)s already. Sign in with that address to accept the invitation.")


class AlreadyMember(Conflict):
    """The person works in the shop already."""

    code = "accounts.already_member"
    sentence = _("%(name)s is in the shop already. Change the role in the list instead.")


class InvitationGone(NotFound):
    """The invitation was used, withdrawn or is too old, or the link is damaged."""

    code = "accounts.invitation_gone"
    sentence = _("This invitation can no longer be used. Ask the shop for a new one.")


class InvitedSomeoneElse(NotAllowed):
    """The one who is signed in is not the one who was invited."""

    code = "accounts.invited_someone_else"
    sentence = _("This invitation is for %(address)s. Sign out, then sign in with that address.")


class LastOwner(Conflict):
    """A shop always has an owner."""

    code = "accounts.last_owner"
    sentence = _("The shop needs at least one owner. Make someone else an owner first.")


class NotAMember(NotFound):
    """The person is not, or no longer, in the shop."""

    code = "accounts.not_a_member"
    sentence = _("This person is no longer in the shop. Reload the page.")


class SessionNotFound(NotFound):
    """The session has ended, or is another person's."""

    code = "accounts.session_not_found"
    sentence = _("This session has ended already.")


class BadInterval(Invalid):
    """An interval whose day or times make no sense."""

    code = "accounts.bad_interval"
    sentence = _("Write the opening and the closing time as hours and minutes, for example 9:00 and 17:00.")


class OverlappingIntervals(Invalid):
    """Two intervals of a day run into each other."""

    code = "accounts.overlapping_intervals"
    sentence = _("The times %(first)s and %(second)s overlap. Change one of them, or make them one.")


class TooManyIntervals(Invalid):
    """More intervals in a day than anybody keeps."""

    code = "accounts.too_many_intervals"
    sentence = _("A day can have at most %(most)d opening times. Remove some.")


class ExceptionNotFound(NotFound):
    """The exception was removed in the meantime."""

    code = "accounts.exception_not_found"
    sentence = _("This exception is no longer there. Reload the page.")


class NotAPicture(Invalid):
    """A file was given where a picture belongs."""

    code = "accounts.not_a_picture"
    sentence = _("This file is not a picture. Choose a PNG, JPEG or WebP file.")


class TeamNameTaken(Conflict):
    """Another team of the shop has this name."""

    code = "accounts.team_name_taken"
    sentence = _("There is a team called %(name)s already. Choose another name.")
