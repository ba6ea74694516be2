"""The Python packages, against what Harmony asks for."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from django.conf import settings
from packaging.requirements import InvalidRequirement, Requirement

from harmony_app.doctor.result import Result, fail, ok

REQUIREMENTS = "requirements-web.txt"
NOT_A_PACKAGE = re.compile(r"\s*(#|-|$)")


def packages() -> Iterator[Result]:
    file = settings.BASE_DIR / REQUIREMENTS
    wrong = [text for line in file.read_text(encoding="utf-8").splitlines() if (text := _fault(line))]
    for text in wrong:
        yield fail(text, f"run `pip install -r {REQUIREMENTS}`")
    if not wrong:
        yield ok(f"all packages of {REQUIREMENTS} are installed in a version that fits")


def _fault(line: str) -> str:
    if NOT_A_PACKAGE.match(line):
        return ""
    try:
        wanted = Requirement(line.partition("#")[0].strip())
        found = version(wanted.name)
    except InvalidRequirement:
        return f"{REQUIREMENTS} has a line that cannot be read: {line!r}"
    except PackageNotFoundError:
        return f"{wanted.name} is not installed"
    if wanted.specifier.contains(found, prereleases=True):
        return ""
    return f"{wanted.name} {found} is installed, and {wanted.specifier} is needed"
