"""Forms of the console's own pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from tiski.accounts.models import Language
from tiski.accounts.web.forms import TiskiForm
from tiski.console.errors import NotADomain, TooManyDomains

from .origins import origins

WELCOME_LENGTH = 300
POSITIONS = [("end", _("Lower right corner")), ("start", _("Lower left corner"))]
THEMES = [("auto", _("As the customer’s device")), ("light", _("Always light")), ("dark", _("Always dark"))]
PEOPLE = [("yes", _("The people who answer")), ("no", _("The shop alone"))]
WELCOMES = [f"welcome_{language}" for language in Language.values]


class ChatWindowForm(TiskiForm):
    """How one chat window looks and where it may stand; what it holds are the settings of its channel account."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("Only you and your colleagues see it."))
    position = forms.ChoiceField(label=_("Place"), choices=POSITIONS)
    theme = forms.ChoiceField(label=_("Light or dark"), choices=THEMES)
    shows_people = forms.ChoiceField(label=_("Who greets the customer"), choices=PEOPLE)
    domains = forms.CharField(
        label=_("Addresses of your site"),
        required=False,
        widget=forms.Textarea({"rows": 3, "spellcheck": "false", "autocapitalize": "none"}),
        help_text=_("One on each line, such as www.shop.example. Only pages of these sites can show the chat."),
    )

    def __init__(self, *given: Any, language: str = "fi", **options: Any) -> None:
        """One greeting for each language, the shop's own first."""
        super().__init__(*given, **options)
        for code, called in sorted(Language.choices, key=lambda choice: choice[0] != language):
            self.fields[f"welcome_{code}"] = forms.CharField(
                label=_("Greeting, %(language)s") % {"language": called},
                max_length=WELCOME_LENGTH,
                required=False,
                widget=forms.TextInput({"lang": code}),
            )

    def clean_domains(self) -> list[str]:
        """The origins of the typed lines."""
        try:
            return origins(self.cleaned_data["domains"])
        except (NotADomain, TooManyDomains) as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def greetings(self) -> list[forms.BoundField]:
        """The fields of the greetings in their order."""
        return [self[name] for name in self.fields if name in WELCOMES]

    def settings(self) -> dict[str, Any]:
        """What is kept with the channel account."""
        typed = self.cleaned_data
        return {
            "position": typed["position"],
            "theme": typed["theme"],
            "shows_people": typed["shows_people"] == "yes",
            "domains": typed["domains"],
            "welcome": {code: typed[f"welcome_{code}"] for code in Language.values if typed[f"welcome_{code}"]},
        }


class NewChatWindowForm(TiskiForm):
    """A further chat window, for another site or another language."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("Such as the address of the site."))


class NewShopForm(TiskiForm):
    """A shop to be opened."""

    name = forms.CharField(label=_("Name of the shop"), max_length=80, help_text=_("Customers see it in the chat."))
    language = forms.ChoiceField(label=_("First language"), choices=Language.choices)
    key = forms.CharField(
        label=_("Address in Tiski"),
        max_length=40,
        required=False,
        help_text=_("Small letters, digits and hyphens. Empty: made from the name. It does not change later."),
        widget=forms.TextInput({"autocapitalize": "none", "spellcheck": "false"}),
    )

    def clean_key(self) -> str:
        """The typed key, or one made from the name."""
        typed: str = self.cleaned_data["key"]
        return typed or slugify(self.cleaned_data.get("name", ""))[:40].strip("-")
