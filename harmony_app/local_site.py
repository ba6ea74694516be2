"""The whole site on one machine: PostgreSQL and Redis from their wheels, and the processes of the Procfile.

`bin/up` starts it. Everything it keeps is in one folder; a second start goes on with it.
"""

import contextlib
import csv
import fcntl
import os
import secrets
import shlex
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from celery import Celery
from honcho.environ import parse_procfile

from harmony_app.environment import made_once, random_secret
from harmony_app.local_servers import (
    PostgresFolder,
    ServerError,
    answers_http,
    answers_redis,
    answers_sql,
    free_port,
    make_database,
    redis_command,
)
from harmony_app.supervision import StoppedError, Supervisor

ROOT = Path(__file__).resolve().parent.parent
# A process that dies is started again; one that keeps dying ends the site.
RESTARTS = 5
START_SECONDS = 120.0
DATABASE = "harmony"
DEMO = "demo"
DEMO_IMAGES = "demo-images"
# The processes of the Procfile that take tasks, and how the names start under which they answer.
WORKERS = {"worker-default": "default@", "worker-gpu": "gpu@"}
# The folder of python, gunicorn and celery.
_PROGRAMS = Path(sys.executable).parent


class AlreadyRunningError(RuntimeError):
    """Another process runs a site in this folder."""


@dataclass(frozen=True)
class Options:
    folder: Path
    port: int
    serve: bool = True
    demo_images: bool = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def log_ins(self) -> Path:
        return self.folder / "log-ins.csv"

    @property
    def environment(self) -> Path:
        return self.folder / "environment"

    @property
    def run_config(self) -> Path:
        return self.folder / "datasets" / "demo.toml"

    @property
    def images(self) -> Path:
        """Where the example of the page for new builds looks for them, too."""
        return self.folder / "datasets" / "demo" / "data"


def run_site(options: Options) -> None:
    """Run the site until told to end by a signal. Raises ServerError when a part of it does not start, or ends."""
    folder = options.folder
    # Group and others may pass through, for PostgreSQL runs as another user where this one is root.
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    with _only_one(options):
        _need_free_port(options.port)
        supervisor = Supervisor(folder / "logs")
        try:
            environment = _servers(supervisor, options)
            _set_up(supervisor, options, environment)
            _processes(supervisor, options, environment)
            print(_where_to_go(options), flush=True)
            if options.serve:
                if options.demo_images:
                    _make_demo_images(supervisor, options, environment)
                supervisor.watch(may_end=[DEMO_IMAGES])
        except StoppedError:
            supervisor.say("told to end")
        finally:
            supervisor.stop()


@contextlib.contextmanager
def _only_one(options: Options) -> Iterator[None]:
    with (options.folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise AlreadyRunningError(
                f"A site runs in {options.folder} already, or is just ending: {file.read().strip()}. "
                "End that one (Ctrl-C), or choose another folder: make up FOLDER=var/other PORT=8001"
            ) from error
        file.truncate(0)
        file.write(f"{options.url}, process {os.getpid()}\n")
        file.flush()
        yield


def _need_free_port(port: int) -> None:
    """Raise ServerError where nothing can listen; better told now than after the set-up."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise ServerError(
                f"Cannot serve on 127.0.0.1:{port}: {error}. Choose another port: make up PORT=8001"
            ) from error


def _servers(supervisor: Supervisor, options: Options) -> dict[str, str]:
    """Start PostgreSQL and Redis; returns the environment of everything else."""
    folder = options.folder
    # Both are told apart from other users' processes of this machine by their passwords.
    password = made_once(folder / "servers_password", secrets.token_hex(24))
    folders = {name: folder / name for name in ("postgres", "redis", "site", "builds", "work", "datasets")}
    for made in folders.values():
        made.mkdir(exist_ok=True, mode=0o700)
    supervisor.say("starting PostgreSQL and Redis")
    files = PostgresFolder(folders["postgres"], password=password)
    port = free_port()
    part = supervisor.start(
        "postgres",
        files.command(port, {"shared_buffers": "64MB", "log_checkpoints": "off", "log_min_messages": "error"}),
        environment={**os.environ, "LC_ALL": "C"},
        folder=Path("/"),
        user=files.user,
        # A fast shutdown: it does not wait for connections to close.
        ending=signal.SIGINT,
        seconds=60,
        restarts=RESTARTS,
    )
    supervisor.wait_for(part, lambda: answers_sql(files.url(port, "postgres")), START_SECONDS)
    make_database(files.url(port, "postgres"), DATABASE)
    redis_port = free_port()
    # Queued work survives an end and a new start; rather than drop any of it, Redis refuses more.
    durable = {"loglevel": "warning", "appendonly": "yes", "maxmemory": "256mb", "maxmemory-policy": "noeviction"}
    redis_url = f"redis://:{password}@127.0.0.1:{redis_port}/0"
    part = supervisor.start(
        "redis",
        redis_command(folders["redis"], redis_port, durable, password=password),
        environment=os.environ,
        folder=ROOT,
        restarts=RESTARTS,
    )
    supervisor.wait_for(part, lambda: answers_redis(redis_url), START_SECONDS)
    supervisor.say(f"PostgreSQL listens on 127.0.0.1:{port}, Redis on 127.0.0.1:{redis_port}")
    own = {
        # The clock tick alone would write three lines every few seconds.
        "LOG_LEVEL": os.environ.get("LOG_LEVEL") or "WARNING",
        "DATABASE_URL": files.url(port, DATABASE),
        "CELERY_BROKER_URL": redis_url,
        "SECRET_KEY": made_once(folder / "secret_key", random_secret()),
        "DJANGO_SETTINGS_MODULE": "harmony_app.settings",
        "HARMONY_DATA_DIR": str(folders["site"]),
        "STATIC_ROOT": str(folders["site"] / "static"),
        "HARMONY_REPORT_WORKER": "true",
        "HARMONY_BUILD_WORKER": "true",
        "HARMONY_BUILDS_URL": folders["builds"].as_uri(),
        "HARMONY_DATASETS": str(folders["datasets"]),
        "HARMONY_WORK_DIR": str(folders["work"]),
        "PORT": str(options.port),
    }
    _keep_environment(options.environment, own)
    path = f"{_PROGRAMS}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", **own}


def _keep_environment(path: Path, own: Mapping[str, str]) -> None:
    """Write a file by which a shell has the site's environment, for commands; its ports change with each start."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in own.items()]
    lines.append(f'export PATH={shlex.quote(str(_PROGRAMS))}:"$PATH"\n')
    path.touch(mode=0o600)
    path.write_text("".join(lines))


def _set_up(supervisor: Supervisor, options: Options, environment: Mapping[str, str]) -> None:
    """Make the tables, collect the static files; at the first start also accounts, the demo and its run config."""

    def manage(*words: str, **more: str) -> None:
        supervisor.say(f"$ python manage.py {' '.join('...' if word == _ACCOUNTS else word for word in words)}")
        given = {**environment, **more}
        supervisor.run(words[0], [sys.executable, "manage.py", *words], environment=given, folder=ROOT)

    manage("migrate", "--verbosity", "0")
    manage("collectstatic", "--noinput", "--verbosity", "0")
    is_set_up = options.folder / "set-up"
    if is_set_up.exists():
        return
    # Whoever was stopped in the middle finds what is there already.
    people = {name: secrets.token_urlsafe(9) for name in ("admin", "researcher")}
    given = {f"PASSWORD_{name.upper()}": password for name, password in people.items()}
    supervisor.say(f"making the accounts {' and '.join(people)}")
    manage("shell", "--verbosity", "0", "--command", _ACCOUNTS, **given)
    protocol = str(ROOT / "examples" / "protocols" / "demo.toml")
    manage("load_study", str(ROOT / "fixtures" / "demo"), "--protocol", protocol, "--owner", "researcher")
    annotators = options.folder / "annotators.csv"
    if not annotators.exists():
        manage("create_annotators", DEMO, "--count", "2", "--csv", str(annotators))
    _keep_log_ins(options.log_ins, annotators, people)
    _write_run_config(options.run_config)
    is_set_up.touch()


_ACCOUNTS = """
import os
from studies.models import User
for name in ("admin", "researcher"):
    user, _ = User.objects.get_or_create(username=name, defaults={"email": f"{name}@localhost.localdomain"})
    user.is_staff, user.is_superuser = True, name == "admin"
    user.set_password(os.environ[f"PASSWORD_{name.upper()}"])
    user.save()
""".strip()


def _keep_log_ins(path: Path, annotators: Path, people: Mapping[str, str]) -> None:
    with annotators.open(newline="") as file:
        rows = list(csv.reader(file))
    rows += [[name, password, ""] for name, password in people.items()]
    path.touch(mode=0o600)
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _write_run_config(path: Path) -> None:
    """Write the demo's run config with the paths that its images have here, and a name that is not taken."""
    text = (ROOT / "examples" / "demo.toml").read_text()
    for old, new in (
        ("../var/demo/data/", "demo/data/"),
        ('name = "demo"\n', 'name = "demo-built-here"\n'),
        ('title = "Demo: maps of shapes"\n', 'title = "Demo: maps of shapes, built here"\n'),
    ):
        if old not in text:
            raise ServerError(f"examples/demo.toml: {old.strip()!r} is not in it any more")
        text = text.replace(old, new)
    path.write_text(text)


def _processes(supervisor: Supervisor, options: Options, environment: Mapping[str, str]) -> None:
    """Start what the Procfile names, and wait until all of it is ready."""
    broker = environment["CELERY_BROKER_URL"]
    parts = {
        name: supervisor.start(name, command, environment=environment, folder=ROOT, restarts=RESTARTS)
        for name, command in parse_procfile((ROOT / "Procfile").read_text()).processes.items()
    }
    for name, part in parts.items():
        if name == "web":
            supervisor.wait_for(part, lambda: answers_http(f"{options.url}readyz"), START_SECONDS)
        elif name in WORKERS:
            supervisor.wait_for(part, partial(_worker_answers, WORKERS[name], broker), START_SECONDS)


def _worker_answers(start: str, broker: str) -> bool:
    """Whether a worker whose name starts so takes tasks."""
    with Celery(broker=broker).connection_for_write() as connection:
        replies = Celery(broker=broker).control.ping(timeout=1, connection=connection) or []
    return any(name.startswith(start) for reply in replies for name in reply)


def _make_demo_images(supervisor: Supervisor, options: Options, environment: Mapping[str, str]) -> None:
    """Make the images of the demo's run config and train its network in the background, once."""
    images = options.images
    if images.exists():
        return
    images.parent.mkdir(exist_ok=True)
    new = shlex.quote(f"{images}.new")
    make = f"rm -rf {new} && nice -n 10 {shlex.quote(sys.executable)} -m attribution synthesize --out {new}"
    command = ["/bin/sh", "-c", f"{make} && mv {new} {shlex.quote(str(images))}"]
    supervisor.start(DEMO_IMAGES, command, environment=environment, folder=ROOT, seconds=5)


def _where_to_go(options: Options) -> str:
    url = options.url
    images = ""
    if options.serve and options.demo_images and not options.images.exists():
        images = (
            f"\n      its images are made meanwhile (how far: {options.folder / 'logs' / DEMO_IMAGES}.log);"
            f'\n      it can be built when it is said below that "{DEMO_IMAGES} has ended"'
        )
    return f"""
The site is ready.

  {url}    annotators: take part
  {url}dashboard/{DEMO}/    researchers: how the demo study fills
  {url}builds/    researchers: start a build; its run config: {options.run_config}{images}
  {url}admin/    the admin

Commands of this site, in another terminal: source {shlex.quote(str(options.environment))}; python manage.py doctor
Ctrl-C ends it and keeps its data.

Log-ins (kept in {options.log_ins}):

{options.log_ins.read_text()}"""
