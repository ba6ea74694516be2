"""Look-up in a registry dict, or of a method of the user's own, with an error that names what is known."""

import difflib
import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
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


def method(
    registry: Mapping[str, type[Entry]], name: str, where: str, kind: str, *, protocol: type, folder: Path
) -> type[Entry]:
    """The class called `name` in the registry, or ``my_module:MyClass`` from a file in `folder` or on Python's path.

    A class of the user's own must have what `protocol` has. InputError says what is missing.
    """
    if ":" not in name:
        return lookup(registry, name, where, kind)
    module_name, _, class_name = name.partition(":")
    with _importable(folder):
        try:
            module = importlib.import_module(module_name)
        except ImportError as error:
            raise InputError(
                f"{where}: cannot import {module_name!r} ({error}): put {module_name}.py beside the config, "
                "or install what it needs"
            ) from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        raise InputError(f"{where}: {module_name} has no class {class_name!r}: mend the name")
    lacking = sorted(members(protocol) - set(dir(found)))
    if lacking:
        raise InputError(f"{where}: {name} lacks {', '.join(lacking)}: docs/extending.md says what a {kind} has")
    return found


def members(protocol: type) -> set[str]:
    """The names of what a protocol asks for, of those it extends too."""
    asked: set[str] = set()
    for base in protocol.__mro__:
        if getattr(base, "_is_protocol", False) and base.__module__.startswith("attribution"):
            asked |= {name for name in vars(base) if not name.startswith("_")} | set(base.__annotations__)
            asked |= {"__call__"} & set(vars(base))
    return asked


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
