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


def method(registry: Mapping[str, type[Entry]], name: str, where: str, kind: str, *, folder: Path) -> type[Entry]:
    """The class called `name` in the registry, or ``my_module:MyClass`` from a file in `folder` or on Python's path.

    A class of the user's own must have what the registry's classes have in common as class attributes (``name`` at
    least). InputError says what is missing.
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
    lacking = sorted(_common_attributes(registry) - set(dir(found)))
    if lacking:
        raise InputError(f"{where}: {name} lacks {', '.join(lacking)}: docs/extending.md says what a {kind} has")
    return found


def _common_attributes(registry: Mapping[str, type[Entry]]) -> set[str]:
    """The public class attributes and methods that every class of the registry has."""
    each = [{attribute for attribute in dir(known) if not attribute.startswith("_")} for known in registry.values()]
    called = {"__call__"} if all("__call__" in dir(known) for known in registry.values()) else set()
    return set.intersection(*each) | called


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
