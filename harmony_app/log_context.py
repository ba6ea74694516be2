"""What the lines of the log belong to: the request that is being answered, or the task that is being done."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils.functional import SimpleLazyObject

if TYPE_CHECKING:
    from django.http import HttpRequest

REQUEST_ID_KEY = "harmony.request_id"


@dataclass(frozen=True)
class Context:
    """One request, or one task with the number of the request that asked for it."""

    request_id: str = ""
    request: "HttpRequest | None" = None
    task_id: str = ""
    task: str = ""
    build: str = ""

    def fields(self) -> dict[str, Any]:
        """Return what is known, by the names of the log's fields. Asks the database for nothing."""
        known: dict[str, Any] = {
            "request_id": self.request_id,
            "task_id": self.task_id,
            "task": self.task,
            "build": self.build,
        }
        if self.request is not None:
            known |= request_fields(self.request)
        return {name: value for name, value in known.items() if value not in ("", None)}


CURRENT: ContextVar[Context | None] = ContextVar("harmony_log_context", default=None)


def current_request_id() -> str:
    """Return the number of the request that is being answered or that asked for the task; "" outside of any."""
    context = CURRENT.get()
    return "" if context is None else context.request_id


def request_fields(request: "HttpRequest") -> dict[str, Any]:
    """Return a request's number, the key of its user if that is known by now, and the study or build in its address."""
    arguments = {} if request.resolver_match is None else request.resolver_match.kwargs
    # As far as somebody has asked for the user by now; the API puts in whoever a token is of.
    given = request.__dict__.get("user")
    user = getattr(request, "_cached_user", None) if isinstance(given, SimpleLazyObject) else given
    return {
        "request_id": request.META.get(REQUEST_ID_KEY, ""),
        "user": getattr(user, "pk", None),
        "study": arguments.get("slug", ""),
        # Nothing else has a UUID in its address.
        "build": str(key) if isinstance(key := arguments.get("key"), UUID) else "",
    }
