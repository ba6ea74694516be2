"""Which language a page is in: the browser's choice, unless the page has one of its own."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

Parameters = ParamSpec("Parameters")
View = Callable[Concatenate[HttpRequest, Parameters], HttpResponse]


def use_language(request: HttpRequest, code: str) -> None:
    """Write the reply to this request in the language of this code, whatever the browser prefers.

    Call it before anything is rendered. A code that is not in `LANGUAGES` raises ValueError with the known ones.
    """
    known = dict(settings.LANGUAGES)
    if code not in known:
        raise ValueError(f'unknown language "{code}" (known: {", ".join(known)})')
    translation.activate(code)
    request.LANGUAGE_CODE = translation.get_language()


def in_language(code: str) -> Callable[[View[Parameters]], View[Parameters]]:
    """Decorate a view whose pages are in one language only."""

    def decorate(view: View[Parameters]) -> View[Parameters]:
        @wraps(view)
        def wrapped(request: HttpRequest, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> HttpResponse:
            use_language(request, code)
            return view(request, *args, **kwargs)

        return wrapped

    return decorate


class LanguageMiddleware(LocaleMiddleware):
    """Go by the browser's Accept-Language, except in the admin, which is in English."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        # Half of the admin's texts are ours and not translated; a page in two languages helps nobody.
        if request.resolver_match is not None and "admin" in request.resolver_match.app_names:
            use_language(request, "en")
