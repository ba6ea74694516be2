"""A site whose builds are done by workers, each process of which tests may kill: and one without workers."""

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import psycopg2

from harmony_app.local_servers import answers_redis, free_port, redis_command
from harmony_app.tests.servers import ROOT, Server, private_folder, until
from tests.faults.build_orders import CARRIED_OUT, FOLDER, WAITS, How, Moment, Ordered, order
from tests.faults.build_reference import Reference

PATIENCE_SECONDS = 300.0
UNDER_WAY = ("queued", "running", "importing")
NO_ROOM = 600
"""The size in bytes that no file may exceed while there is no room."""


class FaultError(AssertionError):
    """A build did not go on as it should; the message has its state and the logs of all processes."""


class Redis:
    """A Redis server that keeps nothing: what was queued is lost with its process."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        self.server = Server(redis_command(folder, port, {"save": ""}), folder / "redis.log")

    def start(self) -> None:
        self.server.launch()
        until(self.server, lambda: answers_redis(self.url))

    def kill(self) -> None:
        self.server.end(signal.SIGKILL)


class Console:
    """The process that `tests.faults.build_console` is; it is asked one thing after the other."""

    def __init__(self, environment: Mapping[str, str], log: IO[bytes]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.build_console"],
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )

    def ask(self, do: str, **arguments: str) -> Any:
        """Have something done; raises FaultError with what was said against it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline() or b'{"error": "the console ended"}')
        if "error" in told:
            raise FaultError(f"{do}: {told['error']}")
        return told["reply"]

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


class BuildSite:
    """Processes of a site that share a database, a storage of builds and, with workers, a broker."""

    def __init__(self, folder: Path, database_url: str, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.database_url = database_url
        self.faults = folder / "faults"
        self.faults.mkdir()
        self.environment = {
            "DATABASE_URL": database_url,
            "DJANGO_SETTINGS_MODULE": "tests.faults.build_settings",
            "HARMONY_DATA_DIR": str(folder),
            "HARMONY_BUILDS_URL": f"file://{folder / 'storage'}",
            "HARMONY_WORK_DIR": str(folder / "work"),
            "HARMONY_DEVICE": "cpu",
            "OMP_NUM_THREADS": "1",
            "SECRET_KEY": "a-secret-for-tests-only-" * 3,
            FOLDER: str(self.faults),
            **environment,
        }
        self.processes: dict[str, Server] = {}
        self.console: Console | None = None

    def migrate(self) -> None:
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **self.environment}, check=True)

    def clear(self) -> None:
        """Begin anew: no builds, no studies, no faults, and every process that there should be."""
        for file in self.faults.iterdir():
            # A step that is still about to end may take an order away.
            file.unlink(missing_ok=True)
        shutil.rmtree(self.folder / "media", ignore_errors=True)
        self.ask("clear")
        for name in list(self.processes):
            self.start(name)

    def start(self, name: str) -> None:
        """Start a process, unless it runs."""
        process = self.processes[name]
        if process.process is not None and process.process.poll() is None:
            return
        process.launch()

    def supervise(self) -> None:
        """Start the processes again that have ended by themselves, as whoever supervises a site does.

        A Celery worker ends where Redis dies while it holds a message: kombu cannot give it back then.
        """
        for name, server in self.processes.items():
            if server.process is not None and server.process.poll() is not None:
                print(f"{name} ended by itself, and is started again")
                self.kill(name)
                server.launch()

    def kill(self, name: str) -> None:
        """Kill a process with all its children, at once."""
        self.processes[name].end(signal.SIGKILL)

    def add(self, name: str, *command: str, **environment: str) -> None:
        log = self.folder / f"{name}.log"
        environment = {**self.environment, **environment}
        self.processes[name] = Server([sys.executable, "-m", *command], log, **environment)

    def add_worker(self, name: str, **environment: str) -> None:
        """Add a GPU worker, as they are started everywhere, but for the orders that it takes."""
        app = ("--app", "tests.faults.build_worker", "worker", "--queues", "gpu")
        self.add(name, "celery", *app, "--hostname", f"{name}@%h", "--loglevel", "INFO", **environment)

    def ask(self, do: str, **arguments: str) -> Any:
        if self.console is None:
            with (self.folder / "console.log").open("ab") as log:
                self.console = Console({**os.environ, **self.environment}, log)
        return self.console.ask(do, **arguments)

    def order(self, kind: str, moment: Moment, how: How) -> Ordered:
        return order(self.faults, kind, moment, how)

    def pace(self, seconds: float) -> None:
        """Let every step take so much longer at each of its progresses."""
        (self.faults / "pace").write_text(str(seconds))

    def carried_out(self, kind: str) -> list[str]:
        """The outputs of the steps of a kind that were begun, as often as they were."""
        file = self.faults / CARRIED_OUT
        lines = file.read_text().splitlines() if file.exists() else []
        return [line.split()[1] for line in lines if line.startswith(f"{kind} ")]

    def children(self, name: str) -> list[int]:
        """The processes that a process has started, and those of these."""
        process = self.processes[name].process
        assert process is not None
        found: list[int] = []
        parents = [process.pid]
        while parents:
            parents = [child for parent in parents for child in children_of(parent)]
            found += parents
        return found

    @contextlib.contextmanager
    def full_disk(self, processes: list[int], most_bytes: int = NO_ROOM) -> Iterator[None]:
        """Have the kernel refuse these processes to let a file grow beyond so many bytes."""
        before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in processes}
        for pid, (_soft, hard) in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (most_bytes, hard))
        try:
            yield
        finally:
            for pid, limits in before.items():
                with contextlib.suppress(ProcessLookupError):
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)

    @contextlib.contextmanager
    def one_import(self) -> Iterator[None]:
        """Let an import be tried once; the next try waits for the end of the block, however busy the machine is."""
        (self.faults / WAITS).touch()
        yield
        (self.faults / WAITS).unlink()

    def stop(self) -> None:
        for name in reversed(self.processes):
            self.kill(name)
        if self.console is not None:
            self.console.end()

    def logs(self) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-5000:]}" for log in logs)


class Run:
    """One build of a test, from its beginning to the comparison with what it should come out as."""

    def __init__(self, site: BuildSite, reference: Reference) -> None:
        self.site = site
        self.reference = reference
        self.key: str = site.ask("queue", config=str(reference.config))
        self.begun = time.monotonic()

    def show(self) -> dict[str, Any]:
        found: dict[str, Any] = self.site.ask("show", key=self.key)
        return found

    def cancel(self) -> None:
        self.site.ask("cancel", key=self.key)

    def retry(self) -> None:
        self.site.ask("retry", key=self.key)

    def until(self, happened: Callable[[dict[str, Any]], object], what: str) -> dict[str, Any]:
        """Wait until something is true of the build; returns how it was then."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            self.site.supervise()
            try:
                told = self.show()
                if happened(told):
                    return told
                problem = json.dumps(told, indent=1)
                if told["state"] in ("done", "failed"):
                    break
            except FaultError as error:
                problem = str(error)
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        seconds = time.monotonic() - self.begun
        raise FaultError(f"{what}: not {seconds:.0f} s after the beginning\n{problem}\n{self.site.logs()}")

    def until_held(self, ordered: Ordered) -> int:
        """Wait until a step is held up; returns the number of its process."""
        self.until(lambda told: ordered.holder is not None or told["state"] not in UNDER_WAY, "a step is held up")
        if ordered.holder is None:
            raise FaultError(f"the build ended before: {json.dumps(self.show(), indent=1)}\n{self.site.logs()}")
        return ordered.holder

    def until_struck(self, ordered: Ordered) -> None:
        self.until(lambda told: ordered.is_struck, "the fault strikes")

    def until_in(self, state: str) -> dict[str, Any]:
        """Wait until the build is in this state; it may not end in another."""
        told = self.until(lambda told: told["state"] == state or told["state"] not in UNDER_WAY, f"it is {state}")
        if told["state"] != state:
            raise FaultError(f"it is not {state}:\n{json.dumps(told, indent=1)}\n{self.site.logs()}")
        return told

    def until_chunks(self, number: int) -> None:
        """Wait until so many chunks are in the storage."""
        self.until(lambda told: len(done(told, "chunk")) >= number, f"{number} chunks are done")

    def ends_right(self, fault: str, what: str = "") -> dict[str, Any]:
        """Wait for the end, compare everything with the reference, and print a line of the table of faults."""
        told = self.until_in("done")
        seconds = time.monotonic() - self.begun
        same = self.site.ask("compare", key=self.key, bundle=str(self.reference.bundle))
        assert same["files"] > 10
        assert same["pairs"] == 12
        losses = sum(step["losses"] for step in told["steps"])
        failures = sum(step["failures"] for step in told["steps"])
        seen = f"{told['attempt']} attempt(s), {losses} lost, {failures} failed, {seconds:.0f} s"
        print(f"| {fault} | {what or 'it goes on by itself'} ({seen}) | {same['files']} | 0 |")
        return told


def done(told: Mapping[str, Any], kind: str) -> list[str]:
    return [step["name"] for step in told["steps"] if step["kind"] == kind and step["state"] == "done"]


def is_loading(told: Mapping[str, Any]) -> bool:
    return any(step["kind"] == "import" and step["state"] == "running" for step in told["steps"])


def is_left(told: Mapping[str, Any]) -> bool:
    """Whether nobody is thought to do a step of the build, or to be about to."""
    return not any(step["state"] in ("sent", "running") for step in told["steps"])


def children_of(parent: int) -> Iterator[int]:
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The second field, in brackets, may hold spaces.
            if int(status.read_text().rpartition(")")[2].split()[1]) == parent:
                yield int(status.parent.name)


@contextlib.contextmanager
def held_tables(database_url: str, table: str = "studies_trial") -> Iterator[Any]:
    """Hold a lock that lets nobody write into a table, until the end of the block or of the server."""
    connection = psycopg2.connect(database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def working_site(database_url: str, redis: Redis, **environment: str) -> Iterator[BuildSite]:
    """Run the processes that do builds with workers: `default`, `beat` and one GPU worker, `gpu1`."""
    with private_folder() as folder:
        given = {"CELERY_BROKER_URL": redis.url, "HARMONY_BUILD_WORKER": "true", **environment}
        site = BuildSite(folder, database_url, given)
        web = ("celery", "--app", "tests.faults.build_web")
        default = ("worker", "--queues", "default,reports", "--concurrency", "2", "--hostname", "default@%h")
        site.add("default", *web, *default, "--loglevel", "INFO")
        site.add("beat", *web, "beat")
        site.add_worker("gpu1")
        site.migrate()
        try:
            yield site
        finally:
            site.stop()
