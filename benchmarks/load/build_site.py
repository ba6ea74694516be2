"""A site with workers for builds, for benchmarks: PostgreSQL, Redis, default worker, beat and GPU workers (on CPUs)."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from harmony_app.tests.servers import running_postgres, running_redis  # noqa: E402

READY_SECONDS = 90.0


class Program:
    """A Celery process with its log."""

    def __init__(self, command: Sequence[str], log: Path, environ: dict[str, str], core: int | None = None) -> None:
        self.log = log
        pinned = [] if core is None else ["taskset", "--cpu-list", str(core)]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*pinned, sys.executable, "-m", "celery", *command], cwd=ROOT, env=environ, stdout=output, stderr=output
            )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while b" ready." not in self.log.read_bytes():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"a worker did not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class BuildSite:
    """A site on servers of its own. Commands and queries run in processes with its environment."""

    def __init__(self, folder: Path, database_url: str, redis_url: str, **environ: str) -> None:
        self.folder = folder
        self.environ = {
            **os.environ,
            "DATABASE_URL": database_url,
            "CELERY_BROKER_URL": redis_url,
            "HARMONY_BUILD_WORKER": "true",
            "HARMONY_DATA_DIR": str(folder / "site"),
            "HARMONY_BUILDS_URL": f"file://{folder / 'builds'}",
            "HARMONY_WORK_DIR": str(folder / "work"),
            "HARMONY_DEVICE": "cpu",
            "OMP_NUM_THREADS": "1",
            "SECRET_KEY": "only-for-benchmarks-" * 3,
            # Otherwise a worker does not say that it is ready.
            "LOG_LEVEL": "INFO",
            **environ,
        }

    def manage(self, *arguments: str, **environ: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    @contextmanager
    def workers(self, count: int, app: str = "attribution.worker", core: int | None = None) -> Iterator[list[Program]]:
        """Default worker, beat and so many GPU workers (on one core, if that is given), ready inside the block.

        Gives the GPU workers.
        """
        plain = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
        default = ["--app", "harmony_app", "worker", "--queues", "default", "--concurrency", "1", *plain]
        with ExitStack() as stack:

            def start(name: str, command: Sequence[str], core: int | None = None) -> Program:
                program = Program([*command], self.folder / f"{name}.log", self.environ, core)
                stack.callback(program.stop)
                return program

            found = [start("default", [*default, "--hostname", "default@bench"])]
            gpu = [
                start(
                    f"gpu{n}", ["--app", app, "worker", "--queues", "gpu", "--hostname", f"gpu{n}@bench", *plain], core
                )
                for n in range(count)
            ]
            start("beat", ["--app", "harmony_app", "beat"])
            for program in [*found, *gpu]:
                program.wait_until_ready()
            yield gpu

    def numbers(self) -> dict[str, Any]:
        """What the last build's steps took: see `numbers_of_last_build`."""
        import json

        code = "import sys; sys.path.insert(0, 'benchmarks'); from load.build_numbers import show; show()"
        numbers: dict[str, Any] = json.loads(self.manage("shell", "--verbosity", "0", "--command", code))
        return numbers


@contextmanager
def running_build_site(folder: Path, **environ: str) -> Iterator[BuildSite]:
    """Servers and an empty database."""
    with running_postgres(is_durable=True) as postgres, running_redis() as redis_url:
        site = BuildSite(folder, postgres.new_database(), redis_url, **environ)
        site.manage("migrate", "--verbosity", "0")
        yield site
