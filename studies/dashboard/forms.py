"""Forms of the dashboard."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from studies.models import Link, Study

LARGEST_PROTOCOL = 500_000


class CopyForm(forms.Form):
    """The names of a copy."""

    slug = forms.SlugField(
        label=_("Short name"),
        max_length=100,
        help_text=_("For addresses: letters, digits, hyphens and underscores."),
    )
    title = forms.CharField(label=_("Title"), max_length=200, help_text=_("Annotators see it."))

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if Study.objects.filter(slug=slug).exists():
            raise forms.ValidationError(_("This name is taken; choose another."))
        return slug


class ResearcherForm(forms.Form):
    """The user name of a researcher."""

    username = forms.CharField(label=_("User name of a researcher"), max_length=150)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A colleague's name, not one's own.
        self.fields["username"].widget.attrs |= {"autocomplete": "off", "autocapitalize": "none"}


class ExcludeForm(forms.Form):
    """Why an annotator's answers are not to count."""

    because = forms.CharField(label=_("Why"), max_length=300)


class ProtocolForm(forms.Form):
    """A protocol as a file or as text, and why it is changed."""

    file = forms.FileField(label=_("TOML file"), required=False)
    text = forms.CharField(
        label=_("Or its text"),
        required=False,
        max_length=LARGEST_PROTOCOL,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false", "wrap": "off"}),
    )
    reason = forms.CharField(
        label=_("Why the protocol changes"),
        required=False,
        max_length=500,
        help_text=_("Needed once there are data. It is kept with the version and in the log."),
    )

    def clean(self) -> dict[str, Any]:
        """Take the text out of the file, or the other way round ask for exactly one of them."""
        cleaned: dict[str, Any] = super().clean() or {}
        file, text = cleaned.get("file"), cleaned.get("text", "")
        if file is not None:
            if file.size > LARGEST_PROTOCOL:
                raise forms.ValidationError({"file": _("The file is larger than 500 kB; this is no protocol.")})
            try:
                cleaned["text"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise forms.ValidationError({"file": _("The file is not UTF-8 text; save it as UTF-8.")}) from error
        elif not text.strip() and "text" not in self.errors:
            raise forms.ValidationError(_("Choose a file or write the protocol’s text."))
        # Browsers end the lines of a form's text in their own way.
        cleaned["text"] = cleaned.get("text", "").replace("\r\n", "\n")
        return cleaned

    @property
    def name(self) -> str:
        """What the text is called in errors."""
        file = self.cleaned_data.get("file")
        return "protocol.toml" if file is None else str(file.name)[:100]


class LinksForm(forms.Form):
    """New links of a kind."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[
            (Link.Kind.INVITATION, _("Invitations, each for one person")),
            (Link.Kind.OPEN, _("Open link, for many people")),
            (Link.Kind.TEST, _("Test link: nothing of it counts")),
        ],
    )
    count = forms.IntegerField(label=_("How many"), min_value=1, max_value=1000, initial=1)
    label = forms.CharField(label=_("Label"), max_length=100, required=False, help_text=_("For you alone."))
    quota = forms.IntegerField(
        label=_("People at most"),
        min_value=1,
        max_value=1_000_000,
        required=False,
        help_text=_("For open and test links. Empty: no limit."),
    )
    expires_at = forms.DateTimeField(
        label=_("Ends at"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        help_text=_("Empty: never."),
    )
