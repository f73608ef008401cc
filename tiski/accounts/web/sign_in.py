"""Signing in and out, confirming and changing the password: allauth's flows on our own pages."""

from __future__ import annotations

from typing import Any

from allauth.account import views as allauth
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from tiski.accounts.policies import SIGNED_IN_AT, public, signed_in
from tiski.kernel import clock

from .forms import ConfirmPasswordForm, NewOwnPasswordForm, SignInForm

INVALID = 422


class OwnPage:
    """allauth's view on a page of ours. A form that is not right is answered with 422, told apart from success."""

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """What allauth gives the page, and the notices left for it."""
        context: dict[str, Any] = super().get_context_data(**given)  # type: ignore[misc]
        return context | {"notices": get_messages(self.request)}  # type: ignore[attr-defined]

    def form_invalid(self, form: Any) -> HttpResponse:
        """The page again, with what is wrong."""
        response: HttpResponse = self.render_to_response(self.get_context_data(form=form))  # type: ignore[attr-defined]
        response.status_code = INVALID
        return response


@method_decorator(never_cache, name="dispatch")
class SignIn(OwnPage, allauth.LoginView):  # type: ignore[misc]
    """Email and password."""

    template_name = "accounts/sign_in.html"
    form_class = SignInForm


class SignOut(OwnPage, allauth.LogoutView):  # type: ignore[misc]
    """A page with a button; only pressing it signs out."""

    template_name = "accounts/sign_out.html"


class ConfirmPassword(OwnPage, allauth.ReauthenticateView):  # type: ignore[misc]
    """The password once more before a change that matters, then on to that change."""

    template_name = "accounts/confirm_password.html"
    form_class = ConfirmPasswordForm

    def form_valid(self, form: Any) -> HttpResponse:
        """Remember the moment before the suspended request is taken up again."""
        self.request.session[SIGNED_IN_AT] = int(clock.now().timestamp())
        response: HttpResponse = super().form_valid(form)
        return response


class ChangePassword(OwnPage, allauth.PasswordChangeView):  # type: ignore[misc]
    """A new password; every other session ends."""

    template_name = "accounts/change_password.html"
    form_class = NewOwnPasswordForm


sign_in = public(SignIn.as_view())
sign_out = public(SignOut.as_view())
confirm_password = signed_in(ConfirmPassword.as_view())
change_password = signed_in(ChangePassword.as_view())
