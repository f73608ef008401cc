"""Addresses of the mailbox settings."""

from django.urls import path

from . import settings

urlpatterns = [
    path("<slug:shop>/settings/mailbox/", settings.mailboxes, name="mail-settings"),
    path("<slug:shop>/settings/mailbox/new/", settings.new, name="mail-new"),
    path("<slug:shop>/settings/mailbox/<int:account_id>/", settings.mailbox, name="mail-mailbox"),
    path("<slug:shop>/settings/mailbox/<int:account_id>/health/", settings.health, name="mail-health"),
    path("<slug:shop>/settings/mailbox/<int:account_id>/check/", settings.check, name="mail-check"),
    path("<slug:shop>/settings/mailbox/<int:account_id>/switch/", settings.switch, name="mail-switch"),
    path("<slug:shop>/settings/mailbox/received/<int:raw_id>/replay/", settings.replay, name="mail-replay"),
]
