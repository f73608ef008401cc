"""What mailboxes refuse, and how a connection can fail, each with the remedy."""

from django.utils.translation import gettext_lazy as _

from tiski.kernel.errors import Conflict, Invalid, NotFound


class NoSuchMailbox(NotFound):
    """The mailbox does not exist, or is another shop's."""

    code = "mail.no_mailbox"
    sentence = _("This mailbox is not here. Go back to the list of mailboxes.")


class AlreadyConnected(Conflict):
    """Two mailboxes of one address would make two conversations of each mail."""

    code = "mail.already_connected"
    sentence = _("This address is connected already. Change the mailbox that is there.")


class MailboxFault(Invalid):
    """A mailbox could not be read or sent from; the subclasses say why."""

    code = "mail.fault"
    sentence = _("The mail server did something unexpected. Try again; if it goes on, ask your mail provider.")


class WrongPassword(MailboxFault):
    """The server does not take the user name and password."""

    code = "mail.wrong_password"
    sentence = _(
        "The mail server refused the user name or password. Type them again; some providers want an app password here."
    )


class ServerUnreachable(MailboxFault):
    """No connection to the server."""

    code = "mail.unreachable"
    sentence = _("The mail server cannot be reached. Check the server’s name and port, and that it is running.")


class CertificateNotTrusted(MailboxFault):
    """The server's certificate does not prove that it is the server that was asked for."""

    code = "mail.certificate"
    sentence = _(
        "The mail server’s certificate is not valid for this name, so no password was sent. "
        "Check the server’s name, or ask your mail provider to renew the certificate."
    )


class NoEncryption(MailboxFault):
    """The server offers no encryption where it was asked for."""

    code = "mail.no_encryption"
    sentence = _(
        "The mail server does not offer encryption on this port, so no password was sent. "
        "Choose TLS and port 993 for reading, or 465 for sending."
    )


class NoSuchFolder(MailboxFault):
    """The folder cannot be opened."""

    code = "mail.no_folder"
    sentence = _("The folder cannot be opened. Check its name; the usual one is INBOX.")


class NotReading(MailboxFault):
    """Nobody has looked into the folder for a while, though nothing is known to be wrong."""

    code = "mail.not_reading"
    sentence = _("The mailbox has not been read for more than ten minutes. Check that Tiski’s worker is running.")


class NotStored(MailboxFault):
    """Mail is there but cannot be kept now; it stays on the server."""

    code = "mail.not_stored"
    sentence = _("New mail waits on the mail server, because it cannot be stored here. Free some disk space.")


class CannotBeWritten(MailboxFault):
    """The database refuses for another reason than a full disk; mail stays on the server."""

    code = "mail.cannot_write"
    sentence = _("New mail waits on the mail server, because the database does not answer here. Try again in a minute.")
