"""Serializers that refuse what they do not know, and lists in pages."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

MOST_ROWS = 500
LAST_PAGE = 1_000_000


class JsonBoolean(serializers.BooleanField):
    """true or false, not what could be meant by it."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class QueryBoolean(serializers.BooleanField):
    """`true` or `false` in an address."""

    WORDS = MappingProxyType({"true": True, "false": False})

    def to_internal_value(self, data: Any) -> bool:
        if data not in self.WORDS:
            self.fail("invalid", input=data)
        return self.WORDS[data]


class JsonText(serializers.CharField):
    """A text, not a number that could be written as one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        return text


@extend_schema_field({"type": "string", "format": "toml"})
class TomlText(JsonText):
    """A protocol in TOML."""


@extend_schema_field({"type": "string", "format": "run-config"})
class RunConfigText(JsonText):
    """A run config in TOML."""


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not have: a misspelt one is not passed over, and none can be slipped in."""

    default_error_messages = {"unknown": _("There is no such field, or it is not for you to set.")}

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, Mapping) else set()
        if unknown:
            message = self.error_messages["unknown"]
            raise serializers.ValidationError({name: [message] for name in sorted(map(str, unknown))})
        return super().to_internal_value(data)


class PageQuery(StrictSerializer):
    """Which page of a list."""

    page = serializers.IntegerField(min_value=1, max_value=LAST_PAGE, default=1, help_text="From 1.")
    page_size = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, default=100, help_text="Rows on a page.")


def read_query(request: Request, serializer: type[StrictSerializer]) -> dict[str, Any]:
    """Return what the address asks for after its question mark; raises ValidationError, also for unknown names."""
    twice = [name for name, values in request.query_params.lists() if len(values) > 1]
    if twice:
        raise serializers.ValidationError({name: [_("Give this once.")] for name in twice})
    query = serializer(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    values: dict[str, Any] = query.validated_data
    return values


def paged(
    request: Request, rows: Any, query: Mapping[str, Any], show: Callable[[Sequence[Any]], list[dict[str, Any]]]
) -> dict[str, Any]:
    """Return one page of `rows` (a queryset, or anything with a length and slices) as it is shown."""
    page, size = query["page"], query["page_size"]
    count = rows.count() if isinstance(rows, QuerySet) else len(rows)
    start = (page - 1) * size
    address = request.build_absolute_uri()
    listed = rows[start : start + size] if start < count else []
    return {
        "count": count,
        "next": replace_query_param(address, "page", page + 1) if start + size < count else None,
        "previous": replace_query_param(address, "page", page - 1) if page > 1 else None,
        "results": show(listed),
    }
