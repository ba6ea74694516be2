"""What the runner's page loads ahead."""

import re
from functools import lru_cache
from pathlib import Path

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()

FOLDER = "studies"
ENTRY = "runner.js"
IMPORT = re.compile(r'^(?:import|export)[^;]*? from "\./([a-z-]+\.js)";', re.MULTILINE)


@register.simple_tag
def runner_modules() -> SafeString:
    """Preload the modules that the runner imports, which the browser would else find one after the other."""
    addresses = ((static(f"{FOLDER}/{name}"),) for name in imported_modules())
    return format_html_join("\n", '<link rel="modulepreload" href="{}">', addresses)


def imported_modules() -> tuple[str, ...]:
    """Return the names of all modules that the runner needs beside itself."""
    folder = Path(settings.BASE_DIR) / "static" / FOLDER
    return _modules_in(folder, max(file.stat().st_mtime_ns for file in folder.glob("*.js")))


# By the time of the last change: a development server sees new modules without a restart.
@lru_cache(maxsize=4)
def _modules_in(folder: Path, changed_at: int) -> tuple[str, ...]:
    found: list[str] = []
    ahead = [ENTRY]
    while ahead:
        text = (folder / ahead.pop()).read_text(encoding="utf-8")
        new = [name for name in IMPORT.findall(text) if name not in found and name != ENTRY]
        found += dict.fromkeys(new)
        ahead += dict.fromkeys(new)
    return tuple(found)
