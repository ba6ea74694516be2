"""Errors to Sentry, for those who have one: without users, bodies, cookies, headers, queries and local variables."""

from typing import TYPE_CHECKING, Any

import sentry_sdk
from django.core.exceptions import ImproperlyConfigured
from sentry_sdk.utils import BadDsn

from harmony_app.log_context import CURRENT
from harmony_app.scrubbing import scrubbed

if TYPE_CHECKING:
    from sentry_sdk._types import Breadcrumb, BreadcrumbHint, Event, Hint

# What else an event may say of a request.
OF_REQUEST = ("url", "method")
TAGS = ("request_id", "study", "task_id", "task", "build")


def report_errors(dsn: str) -> None:
    """Send errors that nobody handled to the project of this address, from now on."""
    try:
        sentry_sdk.init(
            dsn=dsn,
            send_default_pii=False,
            max_request_body_size="never",
            # They hold answers, names and tokens.
            include_local_variables=False,
            before_send=scrubbed_event,
            before_breadcrumb=scrubbed_breadcrumb,
            max_breadcrumbs=20,
            auto_session_tracking=False,
            send_client_reports=False,
            server_name="",
        )
    except BadDsn as error:
        # Not repeated: it holds a key.
        raise ImproperlyConfigured(
            "SENTRY_DSN is no address of a Sentry project; use one like https://key@sentry.example.org/1"
        ) from error


def scrubbed_event(event: "Event", hint: "Hint") -> "Event":
    """Return what is sent of an error."""
    del hint
    request: Any = event.get("request")
    if request is not None:
        event["request"] = {name: scrubbed(str(request[name])) for name in OF_REQUEST if name in request}
    event.pop("user", None)
    event.pop("extra", None)
    context = CURRENT.get()
    if context is not None:
        fields = context.fields()
        event["tags"] = {
            **dict(event.get("tags") or {}),
            **{name: str(fields[name]) for name in TAGS if name in fields},
        }
    cleaned: Event = _cleaned(event)
    return cleaned


def scrubbed_breadcrumb(breadcrumb: "Breadcrumb", hint: "BreadcrumbHint") -> "Breadcrumb | None":
    """Return a step on the way to an error; statements of the database are left out, which hold values."""
    del hint
    if breadcrumb.get("category") == "query":
        return None
    return {name: value for name, value in _cleaned(breadcrumb).items() if name != "data"}


def _cleaned(value: Any) -> Any:
    """Return the same with every text scrubbed."""
    if isinstance(value, str):
        return scrubbed(value)
    if isinstance(value, dict):
        return {key: _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value
