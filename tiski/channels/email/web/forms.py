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
    authserv_ids = forms.CharField(
        label=_("Server that checks senders"),
        max_length=500,
        required=False,
        help_text=_(
            "Optional: the name at the beginning of the Authentication-Results header that your provider adds, "
            "such as mx.google.com. Then forged senders are marked."
        ),
    )
    plus_addressing = forms.BooleanField(
        label=_("Mail to name+anything@ reaches this mailbox"),
        required=False,
        help_text=_("Then replies are recognised by their address as well. Leave it off if you are not sure."),
    )

    def __init__(self, *given: Any, kept: Mailbox | None = None, **options: Any) -> None:
        """With `kept`, the mailbox as it is, an empty password leaves the one that is there."""
        super().__init__(*given, **options)
        self._kept = kept
        if kept is not None and kept.passwords.imap:
            self.fields["imap_password"].help_text = _("Set. Type a new one only to change it.")
            self.fields["smtp_password"].help_text = _("Set. Type a new one only to change it.")

    def clean(self) -> dict[str, Any]:
        """A password is needed once, and again for another server: it is told to nobody it was not typed for."""
        cleaned: dict[str, Any] = super().clean() or {}
        for name in ("imap_user", "smtp_user", "imap_password", "smtp_password", "folder", "sender_name"):
            if any(ord(character) < 32 for character in cleaned.get(name, "")):
                self.add_error(name, ValidationError(_("Type it on one line.")))
        kept = self._kept
        if kept is None or not kept.passwords.imap:
            if not cleaned.get("imap_password"):
                self.add_error("imap_password", ValidationError(_("Type the mailbox’s password.")))
        elif not self.errors:
            self._require_passwords(cleaned, kept)
        return cleaned

    def settings(self) -> Settings:
        """The typed settings."""
        given = self.cleaned_data
        return Settings(
            address=given["address"].strip(),
            sender_name=given["sender_name"].strip(),
            imap=self._server("imap", given["imap_user"]),
            smtp=self._sending_server(),
            folder=given["folder"].strip(),
            backfill=given["backfill"],
            plus_addressing=given["plus_addressing"],
            acknowledges=given["acknowledges"],
            authserv_ids=tuple(given["authserv_ids"].replace(",", " ").lower().split()),
        )

    def passwords(self) -> Passwords:
        """The passwords as typed; empty ones keep what is there."""
        return Passwords(imap=self.cleaned_data["imap_password"], smtp=self.cleaned_data["smtp_password"])

    def _require_passwords(self, cleaned: dict[str, Any], kept: Mailbox) -> None:
        again = _("The server has changed: type its password again.")
        is_one_for_both = kept.passwords.smtp in {"", kept.passwords.imap}
        reading = cleaned["imap_password"]
        sending = cleaned["smtp_password"] or (is_one_for_both and reading)
        if not sending and self._sending_server() != kept.settings.smtp:
            self.add_error("smtp_password", ValidationError(again))
        if not reading and self._server("imap", cleaned["imap_user"]) != kept.settings.imap:
            self.add_error("imap_password", ValidationError(again))

    def _sending_server(self) -> Server:
        return self._server("smtp", self.cleaned_data["smtp_user"] or self.cleaned_data["imap_user"])

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
        "authserv_ids": " ".join(settings.authserv_ids),
    }
    for side, server in (("imap", settings.imap), ("smtp", settings.smtp)):
        if server is not None:
            initial |= {f"{side}_host": server.host, f"{side}_port": server.port}
            initial |= {f"{side}_security": server.security, f"{side}_user": server.user}
    return initial
