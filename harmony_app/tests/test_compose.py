"""docker-compose.yml, the Dockerfiles and the Procfile say the same, and the images hold what their programs import."""

import re
import shlex
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from honcho.environ import parse_procfile

from harmony_app.tests.servers import ROOT

FILES = ["docker-compose.yml", "docker-compose.gpu.yml"]
OWN_IMAGES = {"harmony-web": "docker/web.Dockerfile", "harmony-gpu": "docker/gpu.Dockerfile"}
PROCESSES = ["web", "worker-default", "worker-gpu", "beat"]
# Settings that belong to other programs.
FOREIGN = {"POSTGRES_USER", "POSTGRES_DB", "REDISCLI_AUTH", "MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"}
VARIABLE = re.compile(r"\$\{([A-Z_]+)")


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return content


SERVICES = [(file, name, service) for file in FILES for name, service in read(file)["services"].items()]
NAMES = [f"{file}:{name}" for file, name, _ in SERVICES]
every_service = pytest.mark.parametrize(("file", "name", "service"), SERVICES, ids=NAMES)


def is_one_shot(service: dict[str, Any]) -> bool:
    return bool(service["restart"] == "no")


def without_bind(words: list[str]) -> list[str]:
    """Leave out where a server listens: inside a container it is another address."""
    if "--bind" not in words:
        return words
    at = words.index("--bind")
    return words[:at] + words[at + 2 :]


def copied(dockerfile: str) -> list[tuple[str, str]]:
    """Return what a Dockerfile copies out of this folder: (source, destination)."""
    pairs = []
    for line in (ROOT / dockerfile).read_text().splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and not words[1].startswith("--from="):
            pairs += [(source, words[-1]) for source in words[1:-1]]
    return pairs


def is_ignored(path: Path) -> bool:
    """Whether .dockerignore keeps a path of this folder, or a folder above it, out of the images."""
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    for part in (path, *path.parents):
        for pattern in patterns:
            name = pattern.removeprefix("**/")
            if fnmatch(part.name if name != pattern else str(part), name):
                return True
    return False


def command_of_image(dockerfile: str) -> list[str]:
    text = (ROOT / dockerfile).read_text().replace("\\\n", "")
    words: list[str] = yaml.safe_load(text[text.index("\nCMD ") + 5 :])
    return words


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_has_the_same_command_everywhere(name: str) -> None:
    line = shlex.split(parse_procfile((ROOT / "Procfile").read_text()).processes[name])
    commands = [service["command"] for _, service_name, service in SERVICES if service_name == name]
    assert commands
    assert all(without_bind(command) == without_bind(line) for command in commands)


def test_procfile_has_no_process_that_compose_does_not_have() -> None:
    assert list(parse_procfile((ROOT / "Procfile").read_text()).processes) == PROCESSES


@pytest.mark.parametrize(("image", "name"), [("harmony-web", "web"), ("harmony-gpu", "worker-gpu")])
def test_an_image_starts_by_itself_what_compose_starts_with_it(image: str, name: str) -> None:
    assert command_of_image(OWN_IMAGES[image]) == read("docker-compose.yml")["services"][name]["command"]


def test_the_gpu_worker_on_a_machine_of_its_own_differs_in_its_addresses_alone() -> None:
    here = read("docker-compose.yml")["services"]["worker-gpu"]
    there = read("docker-compose.gpu.yml")["services"]["worker-gpu"]
    assert set(there["environment"]) == set(here["environment"])
    for key in ("command", "deploy", "healthcheck", "user", "cpus", "mem_limit", "pids_limit", "stop_grace_period"):
        assert there[key] == here[key], key


@every_service
def test_the_image_is_pinned(file: str, name: str, service: dict[str, Any]) -> None:
    image = service["image"]
    if image in OWN_IMAGES:
        assert service["build"]["dockerfile"] == OWN_IMAGES[image]
    else:
        assert re.search(r":(\d+\.\d+|RELEASE\.\d{4})", image), image


@pytest.mark.parametrize("dockerfile", OWN_IMAGES.values())
def test_the_images_start_from_pinned_ones(dockerfile: str) -> None:
    starts = re.findall(r"^FROM (\S+)", (ROOT / dockerfile).read_text(), re.MULTILINE)
    assert starts
    assert all(re.search(r":\d+\.\d+", image) for image in starts)


@every_service
def test_a_service_is_no_root_and_can_change_nothing_of_its_own(file: str, name: str, service: dict[str, Any]) -> None:
    assert str(service["user"]).split(":")[0] not in {"", "root", "0"}
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize(("image", "dockerfile"), OWN_IMAGES.items())
def test_an_image_is_of_the_user_under_which_compose_runs_it(image: str, dockerfile: str) -> None:
    [user] = re.findall(r"^USER (\S+)", (ROOT / dockerfile).read_text(), re.MULTILINE)
    assert {service["user"] for _, _, service in SERVICES if service["image"] == image} == {user}


@every_service
def test_a_service_has_limits(file: str, name: str, service: dict[str, Any]) -> None:
    assert service["cpus"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["logging"]["options"]["max-size"]
    if not is_one_shot(service):
        assert service["stop_grace_period"]


@every_service
def test_a_service_that_stays_has_a_health_check(file: str, name: str, service: dict[str, Any]) -> None:
    if is_one_shot(service):
        assert "healthcheck" not in service
        return
    check = service["healthcheck"]
    assert {"interval", "timeout", "retries"} <= set(check)
    scripts = [word for word in check["test"] if word.startswith("docker/")]
    assert all((ROOT / script).is_file() for script in scripts)


def test_the_web_server_is_healthy_when_annotators_can_be_served() -> None:
    check = read("docker-compose.yml")["services"]["web"]["healthcheck"]
    assert check["test"] == ["CMD", "python", "docker/healthy.py", "/readyz"]
    # The script gives up first, and can say that there was no answer.
    waited = re.search(r"timeout=(\d+)", (ROOT / "docker" / "healthy.py").read_text())
    assert waited is not None
    assert int(waited[1]) < int(check["timeout"].removesuffix("s"))


@every_service
def test_ports_are_open_on_this_machine_alone(file: str, name: str, service: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_only_services_that_must_not_be_reached_without_a_proxy_publish_ports() -> None:
    assert {name for _, name, service in SERVICES if "ports" in service} == {"web", "object-storage"}


def test_work_begins_after_the_migrations_and_with_a_queue() -> None:
    services = read("docker-compose.yml")["services"]
    for name in ("web", "worker-default", "beat"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        assert services[name]["depends_on"]["redis"]["condition"] == "service_healthy"
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"


def test_bundles_are_imported_from_a_volume_and_not_from_memory() -> None:
    worker = read("docker-compose.yml")["services"]["worker-default"]
    mounted = {volume.split(":")[1] for volume in worker["volumes"]}
    assert worker["environment"]["TMPDIR"] in mounted
    assert "DATABASE_URL" in worker["environment"]


@pytest.mark.parametrize("file", FILES)
def test_a_gpu_worker_computes_with_as_many_threads_as_it_has_processors(file: str) -> None:
    worker = read(file)["services"]["worker-gpu"]
    assert worker["environment"]["OMP_NUM_THREADS"] == worker["cpus"]


def test_the_queue_drops_nothing() -> None:
    command = read("docker-compose.yml")["services"]["redis"]["command"][-1]
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert "requirepass" in command


def test_every_variable_is_documented() -> None:
    documented = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs" / "settings.md").read_text()))
    named = {line.lstrip("#").split("=")[0] for line in (ROOT / ".env.example").read_text().splitlines() if "=" in line}
    named = {name for name in named if re.fullmatch(r"[A-Z_]+", name)}
    for file in [*FILES, "docker-compose.dev.yml"]:
        named |= set(VARIABLE.findall((ROOT / file).read_text()))
        for service in read(file)["services"].values():
            named |= set(service.get("environment", {}))
    named |= set(VARIABLE.findall((ROOT / "Procfile").read_text()))
    assert named - documented - FOREIGN == set()


def test_development_changes_no_service_that_there_is_not() -> None:
    services = read("docker-compose.yml")["services"]
    assert set(read("docker-compose.dev.yml")["services"]) <= set(services)


def test_development_settings_are_never_read_unasked() -> None:
    # docker compose reads these by itself.
    assert not list(ROOT.glob("*compose.override.y*ml"))
    assert not any("DEBUG" in service.get("environment", {}) for _, _, service in SERVICES)


def test_every_folder_that_development_mounts_is_there() -> None:
    for service in read("docker-compose.dev.yml")["services"].values():
        for volume in service.get("volumes", []):
            assert (ROOT / volume.split(":")[0]).is_dir(), volume


@pytest.mark.parametrize("dockerfile", OWN_IMAGES.values())
def test_everything_copied_is_there_and_not_ignored(dockerfile: str) -> None:
    assert copied(dockerfile)
    for source, _ in copied(dockerfile):
        assert (ROOT / source).exists(), source
        assert not is_ignored(Path(source)), source


def test_no_secret_and_no_test_gets_into_an_image() -> None:
    for name in (".env", ".git", "var", "studies/tests", "harmony_app/tests/servers.py", ".venv"):
        assert is_ignored(Path(name)), name
