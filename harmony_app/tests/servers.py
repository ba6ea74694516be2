"""Real servers for tests: PostgreSQL and Redis from their wheels, and the site under gunicorn."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from harmony_app.local_servers import (
    PostgresFolder,
    ServerError,
    answers_http,
    answers_redis,
    answers_sql,
    free_port,
    group_of,
    make_database,
    redis_command,
)

ROOT = Path(__file__).resolve().parent.parent.parent
# For starts and ends alike: nobody waits for longer than they take, and a busy machine may need it.
START_SECONDS = 120.0


class Server:
    """A process that is started, waited for, and stopped."""

    def __init__(self, command: list[str], log: Path, *, user: str | None = None, **environment: str) -> None:
        self.command = command
        self.log = log
        self.user = user
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT if self.user is None else "/",
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                user=self.user,
                group=group_of(self.user),
                extra_groups=None if self.user is None else [],
                start_new_session=True,
            )

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal to the server and wait until it has gone; killed, it goes with all processes of its group."""
        if self.process is None:
            return
        if how is signal.SIGKILL:
            # Its workers die with it, as when a machine stops.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, how)
        else:
            self.process.send_signal(how)
        self.process.wait(timeout=START_SECONDS)
        # Killed workers may go later than the server, and until then they hold its port and its files, and answer.
        deadline = time.monotonic() + START_SECONDS
        while how is signal.SIGKILL and _group_runs(self.process.pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.process = None

    def check_alive(self) -> None:
        if self.process is None or self.process.poll() is not None:
            raise ServerError(f"{self.command[0]} ended:\n{self.log.read_text(errors='replace')[-4000:]}")


def until(server: Server, is_ready: Callable[[], bool]) -> None:
    """Wait until a server that was launched is ready. Raises ServerError with its log if it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        server.check_alive()
        if time.monotonic() > deadline:
            raise ServerError(f"{server.command[0]} is not ready:\n{server.log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.05)


class Postgres:
    """A PostgreSQL server with its own data folder. It refuses to run as root, so root hands it to `nobody`."""

    def __init__(self, folder: Path, *, is_durable: bool = False) -> None:
        self.folder = folder
        self.port = free_port()
        self.files = PostgresFolder(folder, is_durable=is_durable)
        options = {"shared_buffers": "32MB", "max_connections": "80"}
        # A test's data need not survive the machine, unless it is about that.
        if not is_durable:
            options |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        command = self.files.command(self.port, options)
        self.server = Server(command, folder / "postgres.log", user=self.files.user, LC_ALL="C")
        self.databases = 0
        self.start()

    def url(self, database: str) -> str:
        return self.files.url(self.port, database)

    def new_database(self) -> str:
        """Return the address of a new, empty database."""
        self.databases += 1
        name = f"harmony_{self.databases}"
        make_database(self.url("postgres"), name)
        return self.url(name)

    def start(self) -> None:
        """Start the server, also after it was stopped, and wait until it answers."""
        self.server.launch()
        until(self.server, lambda: answers_sql(self.url("postgres")))

    def stop(self, *, is_immediate: bool = False) -> None:
        """End the server without waiting for its clients; immediately, as in a crash, it recovers at the next start."""
        # SIGINT is PostgreSQL's fast shutdown, SIGQUIT the immediate one.
        self.server.end(signal.SIGQUIT if is_immediate else signal.SIGINT)


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Give a folder below the system's temporary folder that one user alone can read; removed at the end."""
    with tempfile.TemporaryDirectory(prefix="harmony-") as name:
        yield Path(name)


@contextlib.contextmanager
def running_postgres(*, is_durable: bool = False) -> Iterator[Postgres]:
    """Run a PostgreSQL server; a durable one keeps every commit, as it does where people use it, and is slower."""
    with private_folder() as folder:
        server = Postgres(folder, is_durable=is_durable)
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def running_redis() -> Iterator[str]:
    """Run a Redis server that stores nothing; gives its address."""
    with private_folder() as folder:
        port = free_port()
        server = Server(redis_command(folder, port, {"save": ""}), folder / "redis.log")
        server.launch()
        url = f"redis://127.0.0.1:{port}/0"
        try:
            until(server, lambda: answers_redis(url))
            yield url
        finally:
            server.end()


class LiveSite:
    """The whole site under gunicorn, with its own data folder and database; `application` is the module it serves."""

    def __init__(
        self, folder: Path, database_url: str | None, workers: int, application: str = "harmony_app.wsgi"
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database_url = database_url or f"sqlite:///{folder / 'harmony.sqlite3'}"
        self.environment: Mapping[str, str] = {
            "DATABASE_URL": self.database_url,
            "HARMONY_DATA_DIR": str(folder),
            "SECRET_KEY": "a-secret-for-tests-only-" * 3,
            "LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "harmony_app.settings",
        }
        bind = ["--bind", f"127.0.0.1:{self.port}", "--workers", str(workers), "--threads", "4"]
        command = [sys.executable, "-m", "gunicorn", application, *bind, "--no-control-socket"]
        self.server = Server(command, folder / "gunicorn.log", **self.environment)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.server.launch()
        until(self.server, lambda: answers_http(f"{self.url}/healthz"))

    def stop(self) -> None:
        self.server.end()

    def kill(self) -> None:
        """End the server and its workers at once, in the middle of whatever they do."""
        self.server.end(signal.SIGKILL)

    def manage(self, *arguments: str) -> str:
        """Run a management command on the site's database; returns what it printed."""
        return self.python("manage.py", *arguments)

    def python(self, *arguments: str) -> str:
        """Run Python with the site's environment in the repository's root; returns what it printed."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise ServerError(f"{' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done.stdout


@contextlib.contextmanager
def running_site(
    database_url: str | None = None, workers: int = 2, application: str = "harmony_app.wsgi"
) -> Iterator[LiveSite]:
    """Run the site on a database with its tables made; SQLite in a folder of its own unless told otherwise."""
    with private_folder() as folder:
        site = LiveSite(folder, database_url, workers, application)
        site.manage("migrate", "--verbosity", "0")
        try:
            site.start()
            yield site
        finally:
            site.stop()
            _end_processes_of(folder)


def _end_processes_of(folder: Path) -> None:
    """End what a site left behind: reports are computed by processes that outlive it, and would go on writing there."""
    setting = f"HARMONY_DATA_DIR={folder}".encode()
    left: list[Path] = []
    for process in Path("/proc").glob("[0-9]*"):
        # Processes of others cannot be read, and any may end meanwhile.
        with contextlib.suppress(OSError):
            if setting in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
                left.append(process)
    deadline = time.monotonic() + START_SECONDS
    while any(_is_running(process) for process in left) and time.monotonic() < deadline:
        time.sleep(0.02)


def _group_runs(group: int) -> bool:
    """Whether any process of a process group runs; one that ended and was not waited for does not."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _parent, its_group = status.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                return True
    return False


def _is_running(process: Path) -> bool:
    """Whether the process of this folder of /proc runs; one that ended and was not waited for does not."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
