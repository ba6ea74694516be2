"""The forms in which a build's config is written."""

import re
from pathlib import Path, PurePosixPath
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

LARGEST_CONFIG = 64 * 1024
"""In bytes; as much as a request to the API may have."""
LONGEST_NAME = 200
UNNAMED = "study.toml"


class ConfigForm(forms.Form):
    """A run config as text or as a file, which goes before the text."""

    text = forms.CharField(
        label=_("Config"),
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 26, "spellcheck": "false", "autocapitalize": "none", "wrap": "off", "class": "config-text"}
        ),
    )
    file = forms.FileField(
        label=_("Or a TOML file in its place"),
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ".toml,application/toml"}),
    )
    file_name = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_file_name(self) -> str:
        return plain_name(str(self.cleaned_data["file_name"]))

    def clean(self) -> dict[str, Any]:
        """Take the text out of the file, if there is one, and see that it is text of a bounded size."""
        cleaned: dict[str, Any] = super().clean() or {}
        file = cleaned.get("file")
        if file is not None:
            if file.size > LARGEST_CONFIG:
                raise forms.ValidationError({"file": _("The file is larger than 64 KiB; this is no config.")})
            try:
                cleaned["text"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise forms.ValidationError({"file": _("The file is not UTF-8 text; save it as UTF-8.")}) from error
            cleaned["file_name"] = plain_name(str(file.name))
        # Browsers end the lines of a form's text in their own way.
        text = cleaned["text"] = cleaned.get("text", "").replace("\r\n", "\n")
        if "text" in self.errors or "file" in self.errors:
            return cleaned
        if not text.strip():
            raise forms.ValidationError({"text": _("Write a config, choose a file, or start from an example.")})
        if len(text.encode()) > LARGEST_CONFIG:
            raise forms.ValidationError({"text": _("The config is longer than 64 KiB.")})
        return cleaned


def plain_name(name: str) -> str:
    """Return what a config is called in messages: the last part of a file's name, without characters of control."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return re.sub(r"[\x00-\x1f\x7f]", "", last).strip()[-LONGEST_NAME:] or UNNAMED


def example_names() -> list[str]:
    """Return the names of the configs that a new one can start from."""
    return sorted(path.stem for path in _examples().glob("*.toml"))


def example_text(name: str) -> str | None:
    """Return the text of an example, its paths relative to a folder of data sets; None where there is no such example.

    In the file they are meant from where it lies, or begin with a variable, which a config from a page may not have.
    """
    if name not in example_names():
        return None
    text = (_examples() / f"{name}.toml").read_text(encoding="utf-8")
    return re.sub(r'"(file:)?(?:\.\./var/|\$\w+/)', r'"\1', text)


def _examples() -> Path:
    return Path(settings.BASE_DIR) / "examples"
