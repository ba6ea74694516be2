"""What browsers measured, put into columns. They may have sent anything: what does not fit is kept as JSON."""

import json
from collections.abc import Mapping
from typing import Any

# What the runner sends, in the order of `columns.TIMING`, and the type of each: a list stands for JSON.
_EXPECTED: tuple[tuple[str, type], ...] = (
    ("painted_at", float),
    ("answered_at", float),
    ("gap_ms", float),
    ("decode_ms", float),
    ("frame_ms", float),
    ("handler_delay_ms", float),
    ("input", str),
    ("viewport", tuple),
    ("device_pixel_ratio", float),
    ("showings", int),
    ("hidden", int),
    ("hidden_ms", float),
    ("covered", int),
    ("covered_ms", float),
    ("blurred", int),
    ("masked_ms", float),
    ("selected_ms", float),
    ("early", int),
    ("view", list),
)
# Larger whole numbers are no counts, and no column of any file format holds all of them.
_LARGEST = 2**53


def timing_cells(timing: Mapping[str, Any]) -> list[Any]:
    """Return the cells of `columns.TIMING`."""
    cells: list[Any] = []
    taken = 0
    other: dict[str, Any] = {}
    for name, wanted in _EXPECTED:
        value = timing.get(name)
        kind = type(value)
        if value is None:
            cells.append(None)
            if wanted is tuple:
                cells.append(None)
            continue
        taken += 1
        if wanted is float and (kind is float or kind is int):
            cells.append(float(value))
        elif (wanted is int and kind is int and abs(value) < _LARGEST) or (wanted is str and kind is str):
            cells.append(value)
        elif wanted is list and kind is list:
            cells.append(as_json(value))
        elif wanted is tuple and _is_size(value):
            cells += (float(value[0]), float(value[1]))
        else:
            other[name] = value
            cells += (None, None) if wanted is tuple else (None,)
    if taken < len(timing):
        known = {name for name, _ in _EXPECTED}
        other |= {name: value for name, value in timing.items() if name not in known}
    cells.append(as_json(other) if other else None)
    return cells


def as_json(value: object) -> str:
    """Return the value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _is_size(value: Any) -> bool:
    return type(value) is list and len(value) == 2 and all(type(length) in (int, float) for length in value)
