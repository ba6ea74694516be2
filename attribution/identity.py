"""What results follow from besides weights and data: the code and options of methods, and what a network computes."""

import inspect
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from hashlib import file_digest, sha256
from pathlib import Path

from torch import nn

from attribution.config import NetworkConfig
from attribution.registries import is_helper, loaded_code

# Raise it when attributors, `folding`, `prepared` or `attributors.joint` change what maps are: stored maps and
# checkpoints of earlier versions are then made anew.
MAPS_VERSION = 1
# Their code stands for itself: Harmony's by the version above, the others' by releases.
_KNOWN = {"attribution", "torch", "torchvision", *sys.stdlib_module_names}


def method_identity(method: object) -> dict[str, object]:
    """An attributor, metric or trainer as JSON: its class, all its options, and its code if it is not Harmony's."""
    kind = type(method)
    named = {field.name: repr(getattr(method, field.name)) for field in fields(method)} if is_dataclass(method) else {}
    own = [each for each in kind.__mro__ if not is_helper(each.__module__)]
    return {"class": kind.__qualname__, "options": named, "own code": code_of(own)}


def network_identity(entry: NetworkConfig, module: nn.Module) -> str:
    """SHA-256 over what a network computes, given its weights.

    That is how the config names it and with which arguments, the content of a ``file:``, the code behind an
    ``import:`` (of its factory, of what its arguments import, and of the classes of its modules), and the modules with
    their settings as they print themselves.
    """
    scheme, _, rest = entry.spec.partition(":")
    spec = entry.spec
    if scheme == "file":
        with Path(rest).open("rb") as file:
            spec = file_digest(file, "sha256").hexdigest()
    named = [value for value in (entry.spec, *entry.arguments.values()) if str(value).startswith("import:")]
    behind = [sys.modules.get(str(value).split(":")[1]) for value in named]
    code = code_of({type(each) for each in module.modules()}, [getattr(each, "__file__", None) for each in behind])
    # Where an object lies in memory says nothing of what it does.
    printed = re.sub(r" at 0x[0-9a-f]+", "", str(module))
    parts = [scheme, spec, entry.arguments, code, printed]
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def code_of(kinds: Iterable[type], files: Iterable[str | None] = ()) -> list[str]:
    """Sorted SHA-256 of the files that define classes which are not Harmony's, and of other `files`."""
    digests = {sha256(Path(file).read_bytes()).hexdigest() for file in files if file is not None}
    for kind in kinds:
        if kind.__module__.partition(".")[0] in _KNOWN:
            continue
        known = loaded_code(kind.__module__)
        # Compiled classes have no file, and neither do those that were typed in.
        module = sys.modules.get(kind.__module__)
        if known is not None:
            digests.add(known)
        elif getattr(module, "__file__", None) is not None:
            digests.add(sha256(Path(inspect.getfile(kind)).read_bytes()).hexdigest())
    return sorted(digests)
