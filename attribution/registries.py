"""Look-up in a registry dict, with an error that names what is known."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

from attribution.errors import InputError

Entry = TypeVar("Entry")


def lookup(registry: Mapping[str, Entry], name: str, where: str, kind: str) -> Entry:
    """The entry called `name`; InputError with the known names and the closest one if there is none."""
    if name in registry:
        return registry[name]
    lower = {known.lower(): known for known in registry}
    close = difflib.get_close_matches(name.lower(), list(lower), n=1)
    hint = f": did you mean {lower[close[0]]!r}?" if close else ""
    raise InputError(f"{where}: unknown {kind} {name!r}{hint} (known: {', '.join(registry)})")
