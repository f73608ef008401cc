"""What the console refuses by itself."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from tiski.kernel.errors import Invalid, NotAllowed, NotFound


class NotADomain(Invalid):
    """A line is not the address of a site."""

    code = "console.not_a_domain"
    sentence = _("“%(line)s” is not the address of a site. Write it like www.shop.example, without a path.")


class TooManyDomains(Invalid):
    """More domains than one chat window takes."""

    code = "console.too_many_domains"
    sentence = _("At most %(limit)d domains fit. Remove some, or make another chat window.")


class NoSuchChatWindow(NotFound):
    """The chat window does not exist, or is another shop's."""

    code = "console.no_chat_window"
    sentence = _("This chat window is not here. Go back to the settings and choose another one.")


class MayNotOpenShops(NotAllowed):
    """Shops are opened by whoever runs the instance."""

    code = "console.may_not_open_shops"
    sentence = _("Only the owner of this Tiski opens shops. Ask them to open one and to invite you.")
