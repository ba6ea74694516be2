"""Metrics of a server with several processes: counted together, also while processes die and start again."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harmony_app.metrics.folder import make_folder
from harmony_app.tests.browser import Browser
from harmony_app.tests.servers import LiveSite, private_folder, running_site

WORKERS = 3
LOG_IN_PAGES = re.compile(
    r'^harmony_request_seconds_count\{method="GET",status="2xx",view="login"\} ([0-9.]+)$', re.MULTILINE
)


@pytest.fixture
def site() -> Iterator[LiveSite]:
    with running_site(workers=WORKERS) as site:
        yield site


def text(site: LiveSite) -> str:
    reply = Browser(site.url).get("/metrics")
    assert reply.status == 200
    return reply.body.decode()


def log_in_pages(site: LiveSite) -> float:
    found = LOG_IN_PAGES.search(text(site))
    return float(found[1]) if found else 0.0


def children(site: LiveSite) -> list[int]:
    assert site.server.process is not None
    found = Path(f"/proc/{site.server.process.pid}/task/{site.server.process.pid}/children").read_text()
    return [int(pid) for pid in found.split()]


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def ask(site: LiveSite, times: int) -> None:
    for _ in range(times):
        assert Browser(site.url).get("/accounts/login/").status == 200


@pytest.mark.slow
def test_every_process_tells_what_all_of_them_counted_also_the_dead(site: LiveSite) -> None:
    ask(site, 30)
    assert {log_in_pages(site) for _ in range(10)} == {30.0}
    victims = children(site)
    assert len(victims) == WORKERS
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(set(children(site)) - set(victims)) == WORKERS)
    ask(site, 10)
    assert {log_in_pages(site) for _ in range(10)} == {40.0}


@pytest.mark.slow
def test_a_process_that_died_is_busy_with_nothing(site: LiveSite) -> None:
    ask(site, 12)
    folder = next((site.folder / "metrics").iterdir())
    gauges = {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_livesum_*.db")}
    victim = sorted(gauges)[0]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: not (folder / f"gauge_livesum_{victim}.db").exists())
    # The one that is being answered is this very scrape.
    wait_for(lambda: "harmony_requests_under_way 1.0" in text(site))


@pytest.mark.slow
def test_a_new_server_begins_at_nothing_and_removes_what_is_left_over(site: LiveSite) -> None:
    ask(site, 3)
    before = {path.name for path in (site.folder / "metrics").iterdir()}
    site.kill()
    site.start()
    after = {path.name for path in (site.folder / "metrics").iterdir()}
    assert len(after) == 1
    assert not before & after
    assert log_in_pages(site) == 0


@pytest.mark.slow
def test_the_access_log_of_gunicorn_hides_tokens_and_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--access-logfile -")
    secret = "Zk3vQ9pLx2mN8bR7tY1w"
    with running_site(workers=1) as site:
        Browser(site.url).get(f"/join/{secret}/?PROLIFIC_PID={secret}")
        wait_for(lambda: '"GET /join/***/" 404' in site.server.log.read_text())
        assert secret not in site.server.log.read_text()


@pytest.mark.slow
def test_with_json_every_line_of_the_server_is_json(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setenv("LOG_FORMAT", "json")
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--access-logfile -")
    with private_folder() as folder:
        site = LiveSite(folder, None, 1)
        site.environment = {**site.environment, "LOG_LEVEL": "INFO"}
        site.server.environment["LOG_LEVEL"] = "INFO"
        site.manage("migrate", "--verbosity", "0")
        site.start()
        Browser(site.url).get("/nowhere")
        site.stop()
        lines = [json.loads(line) for line in site.server.log.read_text().splitlines()]
    assert {"gunicorn.error", "harmony.access"} <= {line["logger"] for line in lines}
    assert len([line for line in lines if line.get("path") == "/nowhere" and "status" in line]) == 1


def test_the_folder_of_a_server_that_runs_is_left_alone(tmp_path: Path) -> None:
    first = make_folder(tmp_path)
    (tmp_path / "left-over").mkdir()
    (tmp_path / "left-over" / "lock").touch()
    second = make_folder(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {first.name, second.name}
