"""Look-up in a registry dict, or of a method of the user's own, with an error that names what is known."""

import ast
import difflib
import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import TypeVar

from attribution.errors import InputError

Entry = TypeVar("Entry")

# By name, digests of the modules that were read from files beside a config, and of those that these import from there.
_LOADED: dict[str, str] = {}
_HELPERS: dict[str, str] = {}


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

    A class of the user's own must have what `protocol` has, and be a frozen dataclass: what is stored is told apart by
    options and code. InputError says what is missing.
    """
    if ":" not in name:
        return lookup(registry, name, where, kind)
    module_name, _, class_name = name.partition(":")
    try:
        module = _module(module_name, folder.resolve())
    except ImportError as error:
        raise InputError(
            f"{where}: cannot import {module_name!r} ({error}): put {module_name}.py beside the config, "
            "or install what it needs"
        ) from error
    except SyntaxError as error:
        raise InputError(f"{where}: {error.filename}, line {error.lineno}: {error.msg}: mend the file") from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        raise InputError(f"{where}: {module_name} has no class {class_name!r}: mend the name")
    lacking = sorted(members(protocol) - set(dir(found)))
    if lacking:
        raise InputError(f"{where}: {name} lacks {', '.join(lacking)}: docs/extending.md says what a {kind} has")
    if not _is_frozen_dataclass(found):
        raise InputError(
            f"{where}: {name} is no frozen dataclass, so finished work could not be told from that of other options: "
            "write @dataclass(frozen=True) above the class, and make its options fields"
        )
    return found


def loaded_code(module_name: str) -> str | None:
    """SHA-256 of a module that `method` read from a file beside a config, and of the files there that it imports.

    None for any other module.
    """
    return _LOADED.get(module_name)


def is_helper(module_name: str) -> bool:
    """Whether a file beside a config has imported the module from beside it: then its code is in that file's digest."""
    return module_name in _HELPERS


def _is_frozen_dataclass(kind: type) -> bool:
    """Whether the class itself is one: a subclass without the decorator may have options that are no fields."""
    parameters = vars(kind).get("__dataclass_params__")
    return parameters is not None and bool(parameters.frozen)


def _module(name: str, folder: Path) -> ModuleType:
    """The module in the file beside the config as it stands now, or else what Python finds under that name."""
    path = folder / f"{name}.py"
    with _importable(folder):
        return _load(path) if path.is_file() else importlib.import_module(name)


def _load(path: Path) -> ModuleType:
    """The module in a file, under a name of its own: two configs may each have a file of the same name beside them."""
    sources = _sources(path)
    digest = _digest(sources)
    name = f"{path.stem}_{sha256(f'{path}/{digest}'.encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    helpers = {each.stem: each for each in sources if each != path}
    now = {helper: sha256(f"{each}/".encode() + sources[each]).hexdigest() for helper, each in helpers.items()}
    # Some are from another folder, or as they were before an edit; the others may have imported those.
    if any(now.get(helper) != known for helper, known in _HELPERS.items() if helper in now or not _is_in(helper, path)):
        for helper in _HELPERS:
            sys.modules.pop(helper, None)
    importlib.invalidate_caches()
    spec = spec_from_file_location(name, path, loader=_FromBytes(name, path, sources[path]))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        _LOADED[name] = digest
    finally:
        if name not in _LOADED:
            del sys.modules[name]
    _HELPERS.update({helper: now[helper] for helper in helpers if _is_from(helper, helpers[helper])})
    return module


def _sources(path: Path) -> dict[Path, bytes]:
    """The content of a file, and of the files beside it that it imports. SyntaxError where one is no Python."""
    found: dict[Path, bytes] = {}
    waiting = [path]
    while waiting:
        each = waiting.pop()
        if each in found or not each.is_file():
            continue
        found[each] = each.read_bytes()
        for node in ast.walk(ast.parse(found[each], filename=str(each))):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [node.module] if isinstance(node, ast.ImportFrom) and node.module and node.level == 0 else []
            waiting += [path.with_name(f"{name.partition('.')[0]}.py") for name in named]
    return found


def _digest(sources: Mapping[Path, bytes]) -> str:
    digest = sha256()
    for path in sorted(sources):
        digest.update(f"{path.name}/{len(sources[path])}/".encode() + sources[path])
    return digest.hexdigest()


def _is_in(module_name: str, path: Path) -> bool:
    """Whether a helper that is still there lies beside `path`."""
    file = getattr(sys.modules.get(module_name), "__file__", None)
    return file is None or Path(file).parent == path.parent


def _is_from(module_name: str, path: Path) -> bool:
    module = sys.modules.get(module_name)
    return module is not None and getattr(module, "__file__", None) == str(path)


class _FromBytes(SourceFileLoader):
    """Runs the very bytes whose digest is known; Python's cache of compiled code is told apart by seconds and size."""

    def __init__(self, name: str, path: Path, content: bytes) -> None:
        super().__init__(name, str(path))
        self._content = content

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self._content, self.path)


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
    """Files in `folder` can be imported, and leave no compiled code that would stand for them after an edit."""
    before = sys.dont_write_bytecode
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = before
