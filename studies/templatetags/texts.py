"""What templates need to have their scripts' texts translated."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from studies.catalogue import catalogue_address

register = template.Library()


@register.simple_tag
def catalogue_script() -> SafeString | str:
    """Load the texts for `text.js` in the page's language; English needs none. Goes before the page's own scripts."""
    language = get_language()
    if language == "en":
        return ""
    return format_html('<script src="{}" defer></script>', catalogue_address(language))
