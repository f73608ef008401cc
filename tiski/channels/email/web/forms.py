"""The form of a mailbox."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tiski.channels.email.mailbox import Mailbox, Passwords, Security, Server, Settings

SECURITY = [
    (Security.TLS, _("TLS (recommended)")),
    (Security.STARTTLS, _("STARTTLS")),
    (Security.NONE, _("None, this machine only")),
]
BACKFILL = [
    ("now", _("Only mail that comes from now on")),
    ("7", _("The last 7 days as history")),
    ("30", _("The last 30 days as history")),
    ("all", _("Everything as history")),
]


class MailboxForm(forms.Form):
    """What a merchant types; passwords are write-only."""

    address = forms.EmailField(
        label=_("Email address"), max_length=254, help_text=_("Customers write to it and get answers from it.")
    )
    sender_name = forms.CharField(
        label=_("Sender’s name"), max_length=80, required=False, help_text=_("Empty: the name of the shop.")
    )
    imap_host = forms.CharField(label=_("Server for reading (IMAP)"), max_length=253)
    imap_port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65535, initial=993)
    imap_security = forms.ChoiceField(label=_("Encryption"), choices=SECURITY)
    imap_user = forms.CharField(label=_("User name"), max_length=254, help_text=_("Usually the email address."))
    imap_password = forms.CharField(
        label=_("Password"), max_length=500, required=False, widget=forms.PasswordInput(render_value=False)
    )
    folder = forms.CharField(label=_("Folder"), max_length=120, initial="INBOX")
    backfill = forms.ChoiceField(
        label=_("Mail that is there already"),
        choices=BACKFILL,
        help_text=_("History is shown, but nobody gets a reply to it."),
    )
    smtp_host = forms.CharField(label=_("Server for sending (SMTP)"), max_length=253)
    smtp_port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65535, initial=465)
    smtp_security = forms.ChoiceField(label=_("Encryption"), choices=SECURITY)
    smtp_user = forms.CharField(
        label=_("User name"), max_length=254, required=False, help_text=_("Empty: the same as for reading.")
    )
    smtp_password = forms.CharField(
        label=_("Password"),
        max_length=500,
        required=False,
        widget=forms.PasswordInput(render_value=False),
        help_text=_("Empty: the same as for reading."),
    )
    acknowledges = forms.BooleanField(
        label=_("Answer each first message automatically"),
        required=False,
        initial=True,
        help_text=_(
            "The customer hears at once that the message arrived and when you are open. Never twice, never to machines."
        ),
    )
    plus_addressing = forms.BooleanField(
        label=_("Mail to name+anything@ reaches this mailbox"),
        required=False,
        help_text=_("Then replies are recognised by their address as well. Leave it off if you are not sure."),
    )

    def __init__(self, *given: Any, has_password: bool = False, **options: Any) -> None:
        """With `has_password` an empty password keeps the one that is there."""
        super().__init__(*given, **options)
        self._has_password = has_password
        if has_password:
            self.fields["imap_password"].help_text = _("Set. Type a new one only to change it.")

    def clean(self) -> dict[str, Any]:
        """A password is needed once."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self._has_password and not cleaned.get("imap_password"):
            self.add_error("imap_password", ValidationError(_("Type the mailbox’s password.")))
        return cleaned

    def settings(self) -> Settings:
        """The typed settings."""
        given = self.cleaned_data
        return Settings(
            address=given["address"].strip(),
            sender_name=given["sender_name"].strip(),
            imap=self._server("imap", given["imap_user"]),
            smtp=self._server("smtp", given["smtp_user"] or given["imap_user"]),
            folder=given["folder"].strip(),
            backfill=given["backfill"],
            plus_addressing=given["plus_addressing"],
            acknowledges=given["acknowledges"],
        )

    def passwords(self) -> Passwords:
        """The passwords as typed; empty ones keep what is there."""
        imap = self.cleaned_data["imap_password"]
        return Passwords(imap=imap, smtp=self.cleaned_data["smtp_password"] or imap)

    def _server(self, side: str, user: str) -> Server:
        given = self.cleaned_data
        security = Security(given[f"{side}_security"])
        return Server(given[f"{side}_host"].strip(), given[f"{side}_port"], security, user.strip())


def initial_of(mailbox: Mailbox) -> dict[str, Any]:
    """What the form of an existing mailbox begins with."""
    settings = mailbox.settings
    initial: dict[str, Any] = {
        "address": settings.address,
        "sender_name": settings.sender_name,
        "folder": settings.folder,
        "backfill": settings.backfill,
        "plus_addressing": settings.plus_addressing,
        "acknowledges": settings.acknowledges,
    }
    for side, server in (("imap", settings.imap), ("smtp", settings.smtp)):
        if server is not None:
            initial |= {f"{side}_host": server.host, f"{side}_port": server.port}
            initial |= {f"{side}_security": server.security, f"{side}_user": server.user}
    return initial
