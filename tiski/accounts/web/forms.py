"""Forms of the sign-in, profile and settings pages. They check shape; the actions check sense."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from allauth.account.forms import ChangePasswordForm, LoginForm, ReauthenticateForm
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from tiski.accounts import typed
from tiski.accounts.models import Agent, Density, Language, Role, Theme
from tiski.kernel import clock, limits
from tiski.kernel.errors import Refusal

GUESSES_OF_ONES_OWN = 10, 900.0
PICTURES = "image/png,image/jpeg,image/webp"

COMMON_TIMEZONES = (
    "Europe/Helsinki",
    "Europe/Stockholm",
    "Europe/Oslo",
    "Europe/Copenhagen",
    "Europe/Tallinn",
    "Europe/Berlin",
    "Europe/London",
)

CONTINENTS = frozenset(
    {"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)


class TiskiForm(forms.Form):
    """A form that can take in what an action refused."""

    def refuse(self, refusal: Refusal) -> None:
        """Show the refusal beside its field, or above the form when it names none of ours."""
        self.add_error(refusal.field if refusal.field in self.fields else None, str(refusal))


class SignInForm(LoginForm):  # type: ignore[misc]
    """Email and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _word(self, "login", _("Email"), autocomplete="username", autocapitalize="none", spellcheck="false")
        _word(self, "password", _("Password"), autocomplete="current-password")


class ConfirmPasswordForm(ReauthenticateForm):  # type: ignore[misc]
    """The password once more, before a change that matters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _word(self, "password", _("Password"), autocomplete="current-password", autofocus=True)


class NewOwnPasswordForm(ChangePasswordForm):  # type: ignore[misc]
    """The present password and a new one, typed once and visible on request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password2"]
        _word(self, "oldpassword", _("Present password"), autocomplete="current-password")
        _word(self, "password1", _("New password"), autocomplete="new-password")
        self.fields["password1"].help_text = _("At least 10 characters. A sentence is easy to remember.")

    def clean_oldpassword(self) -> str:
        """The present password; guessing it from a stolen session is limited."""
        limit, per = GUESSES_OF_ONES_OWN
        limits.allow_stored(f"password/agent/{self.user.pk}", limit=limit, per=per)
        present: str = super().clean_oldpassword()
        return present


class ResetRequestForm(TiskiForm):
    """Where to send the reset letter."""

    email = forms.EmailField(
        label=_("Email"), max_length=typed.LONGEST_ADDRESS, widget=forms.EmailInput({"autocomplete": "username"})
    )


class NewPasswordForm(TiskiForm):
    """A new password after a reset letter."""

    password = forms.CharField(
        label=_("New password"),
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text=_("At least 10 characters. A sentence is easy to remember."),
    )

    def __init__(self, data: Any = None, *, agent: Agent) -> None:
        super().__init__(data)
        self.agent = agent

    def clean_password(self) -> str:
        """The password, if it is strong enough."""
        password: str = self.cleaned_data["password"]
        validate_password(password, self.agent)
        return password


class JoinForm(NewPasswordForm):
    """Name and password of someone new who was invited."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=typed.LONGEST_NAME,
        widget=forms.TextInput({"autocomplete": "name"}),
        help_text=_("Customers see it beside your answers."),
    )
    field_order = ("name", "password")


class ProfileForm(TiskiForm):
    """What agents say of themselves, and how the console looks to them."""

    name = forms.CharField(
        label=_("Name"),
        max_length=typed.LONGEST_NAME,
        widget=forms.TextInput({"autocomplete": "name"}),
        help_text=_("Colleagues and customers see it beside your answers."),
    )
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)
    theme = forms.ChoiceField(label=_("Colours"), choices=Theme.choices, widget=forms.RadioSelect)
    density = forms.ChoiceField(label=_("Spacing"), choices=Density.choices, widget=forms.RadioSelect)
    single_keys = forms.BooleanField(
        label=_("Single-letter shortcuts"),
        required=False,
        help_text=_("j and k move in the list, r replies, e closes. Turn them off if you dictate."),
    )


class PictureForm(TiskiForm):
    """A picture to be shown, or none."""

    picture = forms.FileField(label=_("Picture"), required=False, widget=forms.FileInput({"accept": PICTURES}))
    remove = forms.BooleanField(label=_("Remove the picture"), required=False)


class ShopForm(TiskiForm):
    """What the shop is called, and which language and clock it keeps."""

    name = forms.CharField(
        label=_("Name of the shop"),
        max_length=typed.LONGEST_NAME,
        help_text=_("Customers see it in the chat window and in mail."),
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=Language.choices,
        help_text=_("Used where a customer's own language is not known."),
    )
    timezone = forms.ChoiceField(label=_("Timezone"), help_text=_("Opening hours follow this clock."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        timezone: Any = self.fields["timezone"]
        timezone.choices = _timezones()


class BrandForm(TiskiForm):
    """The shop's colour and logo."""

    colour = forms.CharField(
        label=_("Colour"),
        max_length=7,
        widget=forms.ColorInput(),
        help_text=_("The chat button and its heading have this colour."),
    )
    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        widget=forms.FileInput({"accept": PICTURES}),
        help_text=_("A square PNG, JPEG or WebP works best. At most 5 MB."),
    )
    remove_logo = forms.BooleanField(label=_("Remove the logo"), required=False)


class InviteForm(TiskiForm):
    """Whom to ask, and as what."""

    email = forms.EmailField(label=_("Email"), max_length=typed.LONGEST_ADDRESS)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.AGENT)


class RoleForm(TiskiForm):
    """A member's role."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class TeamForm(TiskiForm):
    """A team's name."""

    name = forms.CharField(label=_("Name of the team"), max_length=60)


def _word(form: forms.BaseForm, field: str, label: Any, **attrs: Any) -> None:
    """Our label, and no placeholder: a placeholder disappears when it is needed."""
    form.fields[field].label = label
    form.fields[field].help_text = ""
    widget_attrs = form.fields[field].widget.attrs
    widget_attrs.pop("placeholder", None)
    widget_attrs.update(attrs)


def _timezones() -> list[tuple[str, str]]:
    """Near ones first, with their present difference to UTC; then all the others by name."""
    near = [(name, _with_difference(name)) for name in (*COMMON_TIMEZONES, "UTC")]
    far = sorted(name for name in typed.timezones() - set(COMMON_TIMEZONES) if name.partition("/")[0] in CONTINENTS)
    return near + [(name, name.replace("_", " ")) for name in far]


def _with_difference(name: str) -> str:
    difference = clock.now().astimezone(ZoneInfo(name)).strftime("%z")
    return f"{name} (UTC{difference[:3]}.{difference[3:]})"
