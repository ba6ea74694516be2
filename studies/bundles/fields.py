"""What the fields of a fixture's objects may hold: as the models say, with the types that JSON has for them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from studies.bundles.errors import EXPORT_AGAIN, BundleError
from studies.json_values import json_fault
from studies.models import Fixed
from studies.models.materials import SHA256

Fields = dict[str, Any]
# Returns the value as it is stored, or ODD where only `checked_value` can tell whether it is allowed.
Quick = Callable[[Any], Any]
ODD = object()
# Natural keys are texts in which their parts are joined by what no text may hold.
SEPARATOR = "\0"
DIGEST = re.compile(r"[0-9a-f]{64}")


def bundle_fields(model: type[models.Model]) -> dict[str, models.Field[Any, Any]]:
    """Return the fields that a bundle must give for a model, by name."""
    bookkeeping = model.bookkeeping if issubclass(model, Fixed) else frozenset()
    concrete = model._meta.local_concrete_fields
    return {item.name: item for item in concrete if not item.primary_key and item.name not in bookkeeping}


def checked_fields(where: str, known: Mapping[str, models.Field[Any, Any]], fields: Fields) -> Fields:
    """Return the values as they are stored; raises BundleError that names the field."""
    for name in sorted(fields.keys() - known.keys()):
        raise BundleError(f"{where}: {name}", f"unknown field (known: {', '.join(known)})", EXPORT_AGAIN)
    for name in sorted(known.keys() - fields.keys()):
        raise BundleError(f"{where}: {name}", "the field is missing", EXPORT_AGAIN)
    return {name: _checked_value(f"{where}: {name}", known[name], value) for name, value in fields.items()}


def quick_check(known: models.Field[Any, Any]) -> Quick:
    """Return a check that knows the common values of a field; for all others, `checked_fields` decides."""
    check = _quick_kind(known)
    if not known.null or check is _never:
        return check
    return lambda value: None if value is None else check(value)


def _quick_kind(known: models.Field[Any, Any]) -> Quick:
    others = [item for item in known.validators if not isinstance(item, (MinValueValidator, MaxValueValidator))]
    if isinstance(known, models.ForeignKey):
        return _quick_key
    if isinstance(known, models.BooleanField):
        return lambda value: value if type(value) is bool else ODD
    if isinstance(known, models.IntegerField) and not others:
        return _quick_integer(known)
    if isinstance(known, models.FloatField) and not known.validators:
        # Neither an infinity nor NaN is 0 when it is taken from itself.
        return lambda value: value if type(value) is float and value - value == 0.0 else ODD
    if isinstance(known, models.CharField):
        return _quick_text(known)
    return _never


def _never(value: Any) -> Any:
    return ODD


def _quick_key(value: Any) -> Any:
    if type(value) is not list:
        return ODD
    try:
        key = SEPARATOR.join(value)
    except TypeError:
        return ODD
    return key if value and key.isascii() and key.count(SEPARATOR) == len(value) - 1 else ODD


def _quick_integer(known: models.Field[Any, Any]) -> Quick:
    lows = [item.limit_value for item in known.validators if isinstance(item, MinValueValidator)]
    highs = [item.limit_value for item in known.validators if isinstance(item, MaxValueValidator)]
    if not lows or not highs:
        return _never
    low, high = max(lows), min(highs)
    return lambda value: value if type(value) is int and low <= value <= high else ODD


def _quick_text(known: models.CharField[Any, Any]) -> Quick:
    if SHA256 in known.validators:
        return lambda value: value if type(value) is str and DIGEST.fullmatch(value) else ODD
    # Of its own, a text field has a validator of its length.
    if len(known.validators) > 1 or known.max_length is None:
        return _never
    longest = known.max_length
    choices = None if known.choices is None else frozenset(str(value) for value, _ in known.flatchoices)

    def quick(value: Any) -> Any:
        is_fine = type(value) is str and 0 < len(value) <= longest and value.isprintable()
        return value if is_fine and (choices is None or value in choices) else ODD

    return quick


def _checked_value(where: str, known: models.Field[Any, Any], value: Any) -> Any:
    if value is None and known.null:
        return None
    if isinstance(known, models.ForeignKey):
        if not isinstance(value, list) or not value or not all(isinstance(part, str) for part in value):
            raise BundleError(where, f"{value!r} is not a natural key (a list of texts)", EXPORT_AGAIN)
    elif not _has_type(known, value):
        raise BundleError(where, f"{value!r} has the wrong type", EXPORT_AGAIN)
    fault = json_fault(value)
    if fault is not None:
        raise BundleError(where, fault, EXPORT_AGAIN)
    if isinstance(known, models.ForeignKey):
        return SEPARATOR.join(value)
    try:
        return known.clean(value, None)
    except ValidationError as error:
        raise BundleError(where, f"{value!r}: {' '.join(error.messages)}", EXPORT_AGAIN) from error


def _has_type(known: models.Field[Any, Any], value: Any) -> bool:
    if isinstance(known, models.BooleanField):
        return isinstance(value, bool)
    if isinstance(known, models.IntegerField):
        return _is_integer(value)
    if isinstance(known, models.FloatField):
        # An integer may be larger than any float; `json_fault` finds out.
        return _is_integer(value) or (isinstance(value, float) and math.isfinite(value))
    if isinstance(known, models.JSONField):
        return isinstance(value, dict)
    return isinstance(value, str)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
