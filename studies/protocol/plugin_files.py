"""The scripts of the stock plugins among the static files: `vendor/jspsych-plugins/<name>.js`."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage
from django.core.files.storage import FileSystemStorage, Storage

from studies.protocol.plugins import FOLDER, known_plugins


class PluginStorage(FileSystemStorage):
    """The scripts, each in its own package, as the files of one folder."""

    prefix = FOLDER

    def path(self, name: str) -> str:
        plugin = known_plugins().get(name.removesuffix(".js"))
        # A name that is no plugin's is the path of no file; it is looked for nowhere else.
        return str(plugin.path) if plugin is not None else ""


class PluginFinder(BaseFinder):
    """Finds the one script of each plugin, and none of the other files of its package."""

    storage = PluginStorage()

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        name = path.replace("\\", "/").removeprefix(f"{FOLDER}/")
        plugin = known_plugins().get(name.removesuffix(".js"))
        found = [] if plugin is None or path != plugin.script else [str(plugin.path)]
        # Nothing found is an empty list: Django would take None for a place.
        return found[0] if found and not find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        for name in known_plugins():
            yield f"{name}.js", self.storage
