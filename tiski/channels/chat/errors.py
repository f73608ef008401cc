"""What the widget's side refuses."""

from django.utils.translation import gettext_lazy as _

from tiski.kernel.errors import Invalid, NotFound


class NoSuchWidget(NotFound):
    """No widget has this key, or it is switched off."""

    code = "chat.no_widget"
    sentence = _("This chat is not available. Reload the page and try again.")


class BadVisitorToken(Invalid):
    """The visitor's token is missing or is not 32 random bytes in base64url."""

    code = "chat.bad_token"
    sentence = _("The chat could not recognise this browser. Reload the page and try again.")
