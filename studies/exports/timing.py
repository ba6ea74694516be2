"""What browsers measured, put into columns. They may have sent anything: what does not fit is kept as JSON."""

import json
from collections.abc import Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any

# What the runner sends, in the order of `columns.TIMING`, and what fits the column.
_EXPECTED: Mapping[str, type] = {
    "painted_at": float,
    "answered_at": float,
    "gap_ms": float,
    "decode_ms": float,
    "frame_ms": float,
    "handler_delay_ms": float,
    "input": str,
    "viewport": tuple,
    "device_pixel_ratio": float,
    "showings": int,
    "hidden": int,
    "hidden_ms": float,
    "covered": int,
    "covered_ms": float,
    "blurred": int,
    "masked_ms": float,
    "selected_ms": float,
    "early": int,
    "view": list,
}
_NAMES = tuple(_EXPECTED)
_VIEWPORT, _VIEW = _NAMES.index("viewport"), _NAMES.index("view")
_numbers = itemgetter(*(place for place, wanted in enumerate(_EXPECTED.values()) if wanted in (int, float)))
# Larger whole numbers are no counts, and no column of any file format holds all of them.
_LARGEST = 2**53


def timing_cells(timing: Mapping[str, Any]) -> list[Any]:
    """Return the cells of `columns.TIMING`."""
    cells = list(map(timing.get, _NAMES))
    # Answers are many and nearly all alike: looked at one by one only where a type or a size is unlike the usual.
    usual = _fit(tuple(map(type, cells))) and min(filter(None, _numbers(cells)), default=0) > -_LARGEST
    usual = usual and max(filter(None, _numbers(cells)), default=0) < _LARGEST
    other = {} if usual else _taken_out(cells)
    size = cells[_VIEWPORT]
    if size is not None and not _is_size(size):
        other["viewport"], size = size, None
    if len(timing) + cells.count(None) != len(cells):
        other |= {name: value for name, value in timing.items() if name not in _EXPECTED}
    if cells[_VIEW] is not None:
        cells[_VIEW] = as_json(cells[_VIEW])
    cells[_VIEWPORT : _VIEWPORT + 1] = (None, None) if size is None else size
    cells.append(as_json(other) if other else None)
    return cells


def as_json(value: object) -> str:
    """Return the value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=1024)
def _fit(kinds: tuple[type, ...]) -> bool:
    return all(map(_fits, kinds, _EXPECTED.values()))


def _fits(kind: type, wanted: type) -> bool:
    if kind is type(None) or kind is wanted:
        return True
    return (wanted is float and kind is int) or (wanted is tuple and kind is list)


def _taken_out(cells: list[Any]) -> dict[str, Any]:
    """Empty the cells that do not fit, and return what was in them."""
    other = {}
    for place, (name, wanted) in enumerate(_EXPECTED.items()):
        value = cells[place]
        if not _fits(type(value), wanted) or (type(value) is int and not -_LARGEST < value < _LARGEST):
            other[name] = value
            cells[place] = None
    return other


def _is_size(value: Any) -> bool:
    return len(value) == 2 and all(type(one) in (int, float) and -_LARGEST < one < _LARGEST for one in value)
