"""The values that a run config may have: their types, with what is said of others."""

import math
import re
from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator

# One float32 image of this side has 48 MiB, and its maps are shown to people as they are.
LARGEST_SIDE = 2048


def _slug(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", value):
        raise ValueError("use lower-case letters, digits and single hyphens, for example 'my-study'")
    return value


def _side(value: int) -> int:
    if value > LARGEST_SIDE:
        raise ValueError(f"use at most {LARGEST_SIDE} pixels, such as the side that the network was trained with")
    return value


def _resized(value: int) -> int:
    if value > 2 * LARGEST_SIDE:
        raise ValueError(f"use at most {2 * LARGEST_SIDE} pixels")
    return value


def _layer_shape(value: str) -> str:
    if not re.fullmatch(r"channels_first|channels_last|tokens(?:\+\d+)?", value):
        raise ValueError("use channels_first, channels_last, tokens, or tokens+1 after one class token")
    return value


def _option(value: object) -> "bool | int | float | str | tuple[bool | int | float | str, ...]":
    """An option as it stands in the file; a list becomes a tuple."""
    if isinstance(value, list):
        return tuple(_scalar(entry) for entry in value)
    return _scalar(value)


def _scalar(value: object) -> bool | int | float | str:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("use a number, a text, true or false, or a list of these")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("use a finite number")
    return value


Slug = Annotated[str, Field(max_length=50), AfterValidator(_slug)]
Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Colour = tuple[Finite, Finite, Finite]
Scalar = bool | int | float | str
Option = Annotated[Scalar | tuple[Scalar, ...], PlainValidator(_option)]
LayerShape = Annotated[str, AfterValidator(_layer_shape)]
Side = Annotated[Count, AfterValidator(_side)]
Resized = Annotated[Count, AfterValidator(_resized)]
