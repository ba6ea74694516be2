"""What a measure is: a name, its words, and a function from judgements to an estimate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from analysis.measures.estimates import Estimate
from analysis.measures.judgements import Judgements


@dataclass(frozen=True, slots=True)
class Measure:
    """An entry of the registry.

    `compute(judgements, seed)` is a pure function; the seed matters to bootstraps and permutations only. A measure of
    scope `overall` differs from another only where several conditions come together.
    """

    name: str
    title: str
    definition: str
    source: str
    compute: Callable[[Judgements, int], Estimate]
    scope: Literal["any", "overall"] = "any"


def check_registry(measures: Mapping[str, Measure]) -> None:
    """Raise ValueError where an entry is filed under another name than its own or two entries do the same."""
    seen: dict[object, str] = {}
    for key, measure in measures.items():
        if measure.name != key:
            raise ValueError(f"MEASURES[{key!r}] is named {measure.name!r}; use one name for both")
        if measure.compute in seen:
            raise ValueError(f"MEASURES[{key!r}] is a duplicate of {seen[measure.compute]!r}; remove one")
        seen[measure.compute] = key


def find_measure(measures: Mapping[str, Measure], name: str) -> Measure:
    """The measure of that name. Raises ValueError that lists the known names."""
    if name not in measures:
        raise ValueError(f"unknown measure {name!r} (known: {', '.join(measures)})")
    return measures[name]
