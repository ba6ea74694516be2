"""Stock jsPsych plugins: which ones are here, where their scripts are, and what a page passes on to them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import nh3
from django.conf import settings

FOLDER = "vendor/jspsych-plugins"
SCRIPT = Path("dist") / "index.browser.min.js"
# The one global variable that a browser build declares.
GLOBAL = re.compile(r"^var (jsPsych[A-Za-z0-9]+)\s*=")

# What plugins are given as HTML: text, and the fields of survey-html-form.
TAGS = nh3.ALLOWED_TAGS | {"input", "label", "select", "option", "optgroup", "textarea", "fieldset", "legend", "output"}
TAGS -= {"img", "map", "area"}
FIELD_ATTRIBUTES = {
    *("name", "value", "type", "min", "max", "step", "minlength", "maxlength", "pattern", "placeholder", "required"),
    *("checked", "selected", "disabled", "readonly", "multiple", "rows", "cols", "size", "for", "list", "autocomplete"),
    *("inputmode", "label", "id", "class", "title", "lang", "dir", "aria-label", "aria-describedby"),
}
ATTRIBUTES = {tag: set(FIELD_ATTRIBUTES) for tag in TAGS} | {"a": {"href", "title"}}


@dataclass(frozen=True)
class StockPlugin:
    """A plugin that pages can name. `script` is its static file; the script declares the class as `global_name`."""

    name: str
    script: str
    global_name: str
    path: Path


def plugin_find(name: str) -> StockPlugin | None:
    """Return the plugin of this name, None if its package is not installed."""
    return known_plugins().get(name)


def known_plugins() -> Mapping[str, StockPlugin]:
    """Return the plugins whose npm packages (`@jspsych/plugin-<name>`) are installed, by name."""
    return _plugins_in(settings.JSPSYCH_PLUGINS_DIR)


@lru_cache(maxsize=8)
def _plugins_in(folder: Path) -> dict[str, StockPlugin]:
    plugins = {}
    for package in sorted(folder.glob("plugin-*")):
        path, name = package / SCRIPT, package.name.removeprefix("plugin-")
        if not path.is_file():
            continue
        with path.open(encoding="utf-8") as file:
            declared = GLOBAL.match(file.read(200))
        if declared is not None:
            plugins[name] = StockPlugin(name, f"{FOLDER}/{name}.js", declared[1], path)
    return plugins


def clean_parameters(value: Any) -> Any:
    """Return a page's parameters with every text cleaned that plugins might put into the page as HTML."""
    if isinstance(value, str):
        return _clean(value) if "<" in value else value
    if isinstance(value, Mapping):
        return {name: clean_parameters(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_parameters(item) for item in value]
    return value


def _clean(html: str) -> str:
    return nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, url_schemes={"https", "http", "mailto"})
