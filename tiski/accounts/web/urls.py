"""Addresses of sign-in, profile and settings of accounts. Names that start with `account_` are asked for by allauth."""

from __future__ import annotations

from django.urls import URLPattern, path

from . import hours, invitations, password_reset, people, pictures, profile, settings, sign_in

urlpatterns: list[URLPattern] = [
    path("sign-in/", sign_in.sign_in, name="account_login"),
    path("sign-out/", sign_in.sign_out, name="account_logout"),
    path("password/confirm/", sign_in.confirm_password, name="account_reauthenticate"),
    path("password/change/", sign_in.change_password, name="account_change_password"),
    path("password/reset/", password_reset.ask, name="account_reset_password"),
    path("password/reset/asked/", password_reset.asked, name="account_reset_password_done"),
    path("password/reset/<int:agent>/<str:token>/", password_reset.choose, name="account_reset_password_from_key"),
    path("account/", profile.profile, name="accounts_profile"),
    path("account/photo/", profile.photo, name="accounts_photo"),
    path("account/sessions/", profile.sessions, name="accounts_sessions"),
    path("account/sessions/others/end/", profile.end_other_sessions, name="accounts_end_other_sessions"),
    path("account/sessions/<str:session>/end/", profile.end_session, name="accounts_end_session"),
    path("pictures/<str:blob_id>/", pictures.picture, name="accounts_picture"),
    path("<slug:shop>/invitations/<str:token>/", invitations.invitation, name="accounts_invitation"),
    path("<slug:shop>/settings/shop/", settings.shop_settings, name="accounts_settings_shop"),
    path("<slug:shop>/settings/brand/", settings.brand_settings, name="accounts_settings_brand"),
    path("<slug:shop>/settings/hours/", hours.hours_settings, name="accounts_settings_hours"),
    path("<slug:shop>/settings/hours/exceptions/", hours.add_exception, name="accounts_add_exception"),
    path(
        "<slug:shop>/settings/hours/exceptions/<int:exception>/removal/",
        hours.remove_exception,
        name="accounts_remove_exception",
    ),
    path("<slug:shop>/settings/hours/holidays/", hours.add_holidays, name="accounts_add_holidays"),
    path("<slug:shop>/settings/people/", people.people_settings, name="accounts_settings_people"),
    path("<slug:shop>/settings/people/invitations/", people.invite, name="accounts_invite"),
    path(
        "<slug:shop>/settings/people/invitations/<int:invitation>/withdrawal/",
        people.withdraw_invitation,
        name="accounts_withdraw_invitation",
    ),
    path("<slug:shop>/settings/people/<int:member>/role/", people.change_role, name="accounts_change_role"),
    path("<slug:shop>/settings/people/<int:member>/suspension/", people.suspend, name="accounts_suspend"),
    path("<slug:shop>/settings/people/<int:member>/reinstatement/", people.reinstate, name="accounts_reinstate"),
    path("<slug:shop>/settings/people/<int:member>/removal/", people.remove, name="accounts_remove_member"),
    path("<slug:shop>/settings/people/<int:member>/return/", people.take_back, name="accounts_take_back"),
]
