"""What a JSON value must not hold, so that every database can store it and every reply can repeat it."""

import math
import re
from collections.abc import Iterable, Mapping

DEEPEST = 20

# PostgreSQL has no NUL in texts; a surrogate without its other half is no character, and UTF-8 has no bytes for it.
BAD_CHARACTER = re.compile("[\x00\ud800-\udfff]")


def json_fault(value: object) -> str | None:
    """Return what is wrong with a value that was read from JSON, None if nothing is.

    Refused are lists and objects nested deeper than `DEEPEST`, NUL characters and lone surrogates in texts and names,
    and numbers that no float can hold (`1e999`, which Python reads as infinity).
    """
    level: list[object] = [value]
    for _ in range(DEEPEST + 1):
        inner: list[object] = []
        for item in level:
            if isinstance(item, str) and BAD_CHARACTER.search(item):
                return "texts may hold no NUL characters and no lone surrogates"
            if isinstance(item, int | float) and not _is_finite(item):
                return "a number is too large"
            inner.extend(_parts(item))
        if not inner:
            return None
        level = inner
    return f"lists and objects may be nested at most {DEEPEST} deep"


def _parts(item: object) -> Iterable[object]:
    if isinstance(item, Mapping):
        return (*item.keys(), *item.values())
    return item if isinstance(item, list | tuple) else ()


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        # An int of more than 308 digits.
        return False
