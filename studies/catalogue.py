"""The texts of the scripts in another language, as a script of its own."""

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.views.i18n import JavaScriptCatalog


def catalogue_version(language: str) -> str:
    """Return a short digest of the texts of this language: other texts, another digest."""
    digest = hashlib.sha256()
    for folder in settings.LOCALE_PATHS:
        file = Path(folder) / translation.to_locale(language) / "LC_MESSAGES" / "djangojs.mo"
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def catalogue_address(language: str) -> str:
    """Return the script's address, which changes with the texts, so that browsers may keep what they got."""
    return f"{reverse('catalogue', args=[language])}?v={catalogue_version(language)}"


class CatalogueView(JavaScriptCatalog):
    """GET: Django's JavaScript catalogue in the language of the address, whatever the browser prefers."""

    # Only what LOCALE_PATHS has: the texts of Django's admin would be most of the script.
    packages = ["studies"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        language = str(kwargs["language"])
        if language not in dict(settings.LANGUAGES):
            raise Http404
        with translation.override(language):
            response: HttpResponse = super().get(request)
        response.headers["Content-Language"] = language
        if request.GET.get("v") == catalogue_version(language):
            patch_cache_control(response, public=True, max_age=365 * 24 * 3600, immutable=True)
        else:
            patch_cache_control(response, no_cache=True)
        return response
