"""`bin/up`, from nothing to a site that people log in to, to its end. In a folder of its own, on a free port."""

import contextlib
import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from harmony_app.local_servers import free_port
from harmony_app.tests.servers import ROOT, private_folder

READY = "The site is ready."
SECONDS = 240
PROCESSES = ["web", "worker-default", "worker-gpu", "beat", "postgres", "redis"]

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@dataclass
class Up:
    """The script in a folder; what it prints goes into a file."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder.parent / "up.log"

    @property
    def environment(self) -> dict[str, str]:
        given = {"FOLDER": str(self.folder), "PORT": str(self.port), "DEMO_IMAGES": "0", "HARMONY_DEVICE": "cpu"}
        kept = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
        return {**kept, **given, "OMP_NUM_THREADS": "1"}

    def start(self) -> None:
        """Start the site and wait until it is ready."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [ROOT / "bin" / "up"], env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.until(lambda: READY in self.printed(), "the site is not ready")

    def printed(self) -> str:
        return self.log.read_text(errors="replace")

    def until(self, happened: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not happened():
            ended = self.process is not None and self.process.poll() is not None and READY not in self.printed()
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"{what}:\n{self.printed()[-6000:]}")
            time.sleep(0.1)

    def end(self, how: signal.Signals) -> int:
        """Send a signal to the script alone; returns its status."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(timeout=SECONDS)

    def left(self) -> list[str]:
        """Return what still runs of the site: the command of each process with its folder around it."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            # Processes of others cannot be read, and any may end meanwhile.
            with contextlib.suppress(OSError):
                given = (process / "environ").read_bytes().split(b"\0")
                # PostgreSQL writes over its environment, and works in its data folder.
                where = str((process / "cwd").readlink())
                if f"FOLDER={self.folder}".encode() in given or where.startswith(f"{self.folder}/"):
                    found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        return found

    def password(self, username: str) -> str:
        with (self.folder / "log-ins.csv").open(newline="") as file:
            return next(row["password"] for row in csv.DictReader(file) if row["username"] == username)


class Browser:
    """A client with cookies, as people have it."""

    def __init__(self, up: Up) -> None:
        self.url = f"http://127.0.0.1:{up.port}"
        self.cookies = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path: str) -> str:
        with self.opener.open(f"{self.url}{path}", timeout=60) as reply:
            return str(reply.read().decode())

    def send(self, method: str, path: str, data: bytes, content_type: str) -> str:
        token = next((cookie.value for cookie in self.cookies if cookie.name == "csrftoken"), None) or ""
        headers = {"Content-Type": content_type, "X-CSRFToken": token, "Referer": f"{self.url}{path}"}
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)
        with self.opener.open(request, timeout=60) as reply:
            return str(reply.read().decode())

    def log_in(self, username: str, password: str) -> str:
        """Fill in the form; returns the page that follows."""
        self.get("/accounts/login/")
        form = urllib.parse.urlencode({"username": username, "password": password})
        return self.send("POST", "/accounts/login/", form.encode(), "application/x-www-form-urlencoded")


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with private_folder() as folder:
        # PostgreSQL runs as another user where the tests run as root.
        folder.chmod(0o711)
        up = Up(folder / "site")
        up.start()
        try:
            yield up
        finally:
            if up.process is not None and up.process.poll() is None:
                up.end(signal.SIGTERM)
            up.until(lambda: not up.left(), "something was left behind")


def test_all_processes_run_and_people_log_in(up: Up) -> None:
    running = " ".join(up.left())
    for words in ("gunicorn", "--queues default,reports", "--queues gpu", "harmony_app beat", "redis-server"):
        assert words in running
    for name in ("demo-a01", "researcher", "admin"):
        assert "Log out" in Browser(up).log_in(name, up.password(name))
    assert f"http://127.0.0.1:{up.port}/builds/" in up.printed()


def test_an_annotator_is_given_trials_and_sees_pictures(up: Up) -> None:
    browser = Browser(up)
    assert "/studies/demo/" in browser.log_in("demo-a01", up.password("demo-a01"))
    assert "jspsych" in browser.get("/studies/demo/").lower()


def test_static_files_are_served_under_hashed_names(up: Up) -> None:
    page = Browser(up).get("/accounts/login/")
    style = re.findall(r'href="(/static/[^"]+\.css)"', page)
    assert style
    assert all(re.search(r"\.[0-9a-f]{12}\.css$", path) for path in style)
    assert Browser(up).get(style[0])


def test_a_build_started_over_the_api_becomes_a_study(up: Up) -> None:
    datasets = up.folder / "datasets"
    # In a process of its own: nothing of the web side loads torch, its tests neither.
    code = (
        "import sys; from pathlib import Path; from attribution.tests.small_run import write_small_run\n"
        "write_small_run(Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", code, datasets], cwd=ROOT, env=up.environment, check=True)
    browser = Browser(up)
    browser.log_in("researcher", up.password("researcher"))
    asked = json.dumps({"config": (datasets / "study.toml").read_text(), "file_name": "study.toml"})
    build = json.loads(browser.send("POST", "/api/v1/builds/", asked.encode(), "application/json"))

    def now() -> dict[str, str]:
        shown: dict[str, str] = json.loads(browser.get(f"/api/v1/builds/{build['key']}/"))
        return shown

    up.until(lambda: now()["state"] in {"done", "failed", "cancelled"}, "the build has not ended")
    ended = now()
    assert ended["state"] == "done", f"{ended['error']}\n{up.printed()[-4000:]}"
    assert ended["study"] == "small"
    assert json.loads(browser.get("/api/v1/studies/small/"))["slug"] == "small"
    assert json.loads(browser.get("/api/v1/studies/small/trials/"))["results"]


def test_a_second_start_says_that_one_runs(up: Up) -> None:
    done = subprocess.run(
        [ROOT / "bin" / "up"], env={**up.environment, "PORT": str(free_port())}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "runs in" in done.stderr
    assert f"http://127.0.0.1:{up.port}/" in done.stderr
    assert "FOLDER=" in done.stderr
    assert done.stdout == ""


def test_a_port_in_use_is_told_before_anything_starts(up: Up) -> None:
    other = Up(up.folder.parent / "other", port=up.port)
    done = subprocess.run([ROOT / "bin" / "up"], env=other.environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"127.0.0.1:{up.port}" in done.stderr
    assert "PORT=" in done.stderr
    assert not (other.folder / "postgres").exists()
    assert other.left() == []


def test_commands_find_the_site_by_the_environment_that_it_leaves(up: Up) -> None:
    # In a shell of somebody who has set nothing and has no .venv on the path.
    command = f"source {up.folder}/environment; python manage.py doctor --json"
    bare = {"PATH": os.defpath, "HOME": str(up.folder)}
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, env=bare, capture_output=True, text=True)
    states = {row["check"]: row["state"] for row in json.loads(done.stdout)}
    assert [states[name] for name in ("database", "migrations", "media", "broker", "workers")] == ["ok"] * 5


def test_other_users_of_the_machine_reach_neither_secrets_nor_servers(up: Up) -> None:
    for name in ("log-ins.csv", "secret_key", "servers_password", "environment", "redis/redis.conf"):
        assert (up.folder / name).stat().st_mode & 0o077 == 0, name
    secret = (up.folder / "servers_password").read_text()
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            assert secret.encode() not in process.read_bytes()
    ports = re.search(r"PostgreSQL listens on 127\.0\.0\.1:(\d+), Redis on 127\.0\.0\.1:(\d+)", up.printed())
    assert ports is not None
    redis_cli = subprocess.run(
        ["python3", "-c", _ASK_REDIS, ports[2]], capture_output=True, text=True, check=True, timeout=30
    )
    assert "NOAUTH" in redis_cli.stdout


_ASK_REDIS = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
    connection.sendall(b"KEYS *\\r\\n")
    print(connection.recv(1000).decode())
"""


def test_it_ends_in_order_and_a_second_start_finds_the_data(up: Up) -> None:
    browser = Browser(up)
    browser.log_in("researcher", up.password("researcher"))
    browser.send("PATCH", "/api/v1/studies/demo/", json.dumps({"state": "paused"}).encode(), "application/json")
    assert up.end(signal.SIGTERM) == 0
    assert up.left() == []
    ended = re.findall(r"\| ending (\S+)", up.printed())
    assert ended == ["beat", "worker-gpu", "worker-default", "web", "redis", "postgres"]

    up.start()
    # The session is kept in the database: whoever was logged in still is.
    assert json.loads(browser.get("/api/v1/studies/demo/"))["state"] == "paused"
    assert json.loads(browser.get("/api/v1/studies/small/"))["slug"] == "small"
    # Nothing is set up twice.
    assert "load_study" not in up.printed()


def test_nothing_is_left_when_the_script_is_killed(up: Up) -> None:
    assert up.end(signal.SIGKILL) == -signal.SIGKILL
    up.until(lambda: not up.left(), "something was left behind")
    # PostgreSQL came to a clean end, and did not have to recover.
    up.start()
    assert "not properly shut down" not in (up.folder / "logs" / "postgres.log").read_text()


def test_a_process_that_dies_is_started_again_and_one_that_keeps_dying_ends_the_site(up: Up) -> None:
    def beats() -> list[int]:
        return [int(process.name) for process in Path("/proc").glob("[0-9]*") if _is_beat_of(process, up.folder)]

    [first] = beats()
    os.kill(first, signal.SIGKILL)
    up.until(lambda: bool(set(beats()) - {first}), "beat was not started again")
    assert "beat ended by itself (-9); started again in 1 s (1 of 5)" in up.printed()
    assert up.process is not None
    deadline = time.monotonic() + 4 * SECONDS
    while up.process.poll() is None and time.monotonic() < deadline:
        for pid in beats():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    assert up.process.wait(timeout=SECONDS) == 1
    assert "beat ended by itself (-9); what it said" in up.printed()
    assert up.left() == []


def _is_beat_of(process: Path, folder: Path) -> bool:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
        given = (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"beat" in words and f"FOLDER={folder}".encode() in given
