"""A template tag that is there on every page, also on those that are rendered without any context."""

from django import template

from harmony_app.log_context import current_request_id

register = template.Library()


@register.simple_tag
def request_number() -> str:
    """The number of this request: `{% request_number as number %}`."""
    return current_request_id()
