"""Reports computed in processes of their own: by the site, and by a Celery worker, with real servers between them."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harmony_app.tests.browser import Browser
from harmony_app.tests.live_reports import PAGE, SLUG, answered_site, ask, logged_in, run_of
from harmony_app.tests.servers import ROOT, LiveSite, Postgres
from harmony_app.tests.test_exactly_once import StudySite

pytestmark = pytest.mark.slow
SECONDS = 120


def wait_for(state: str, browser: Browser, address: str) -> Mapping[str, Any]:
    """Ask how far a run is until it is in this state; returns the last reply."""
    deadline = time.monotonic() + SECONDS
    while (document := browser.get(address).json())["state"] != state:
        assert document["state"] in ("queued", "running"), document
        assert time.monotonic() < deadline, document
        time.sleep(0.03)
    found: Mapping[str, Any] = document
    return found


@contextmanager
def report_worker(site: LiveSite, log: Path) -> Iterator[None]:
    """`celery --app harmony_app worker --queues reports`, ready inside of the block and gone after it."""
    command = [sys.executable, "-m", "celery", "--app", "harmony_app", "worker", "--queues", "reports"]
    quick = ["--concurrency", "1", "--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, *quick],
            cwd=ROOT,
            env={**os.environ, **site.environment, "LOG_LEVEL": "INFO"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + SECONDS
            while "ready." not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(timeout=60)


@pytest.fixture(scope="module")
def site() -> Iterator[LiveSite]:
    with answered_site() as running:
        yield running


@pytest.fixture
def changed(site: LiveSite) -> Callable[[str], None]:
    """Give the study another question, so that its report is to be computed anew."""

    def change(question: str) -> None:
        code = "import django, sys; django.setup(); from studies.models import Study; "
        code += f"Study.objects.filter(slug='{SLUG}').update(question=sys.argv[1])"
        site.python("-c", code, question)

    return change


def test_many_who_ask_at_once_get_one_report_in_the_background(site: LiveSite) -> None:
    browsers = [logged_in(site) for _ in range(6)]
    with ThreadPoolExecutor(len(browsers)) as pool:
        replies = list(pool.map(ask, browsers))
    assert {reply.status for reply in replies} == {202}
    [address] = {reply.json()["address"] for reply in replies}
    assert wait_for("done", browsers[0], address)["fraction"] == 1.0
    assert run_of(site)["runs"] == 1
    assert run_of(site)["attempt"] == 1
    page = browsers[0].get(PAGE).body.decode()
    assert "Simulated annotators" in page
    assert 'id="run"' not in page


def test_a_killed_computation_is_noticed_and_begun_again(site: LiveSite, changed: Callable[[str], None]) -> None:
    changed("Which one, once more?")
    browser = logged_in(site)
    address = ask(browser).json()["address"]
    kill_running(site)
    document = wait_for("failed", browser, address)
    assert document["failure"] == "stopped"
    # It is a new one where another test has had one computed.
    assert re.search(r"The (new )?report could not be computed\.", browser.get(PAGE).body.decode())
    again = ask(browser).json()
    assert again["address"] == address
    wait_for("done", browser, address)
    assert run_of(site)["attempt"] == 2


def test_the_computation_outlives_the_server_that_was_asked(site: LiveSite, changed: Callable[[str], None]) -> None:
    changed("Which one survives?")
    browser = logged_in(site)
    address = ask(browser).json()["address"]
    site.kill()
    site.start()
    wait_for("done", logged_in(site), address)


@pytest.mark.postgres
def test_postgresql_and_sqlite_give_the_same_frame_and_files(
    site: LiveSite, postgres: Postgres, tmp_path: Path
) -> None:
    with answered_site(postgres.new_database()) as other:
        sites = {"sqlite": site, "postgresql": other}
        site.python("-c", "import django; django.setup(); from studies.models import Study; "
                    "Study.objects.update(question='Which map explains the answer better?')")  # fmt: skip
        frames = {
            name: one.python("-m", "harmony_app.tests.live_reports", "--frame", SLUG) for name, one in sites.items()
        }
        assert frames["sqlite"] == frames["postgresql"]
        assert frames["sqlite"].startswith("24 ")
        digests = []
        for name, one in sites.items():
            one.manage("agreement_report", SLUG, "--out", str(tmp_path / name))
            files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
            digests.append({str(path.relative_to(tmp_path / name)): sha256(path) for path in files})
        assert digests[0] == digests[1]


def kill_running(site: LiveSite) -> None:
    """Kill the process that computes a report, as soon as there is one: it does not take long."""
    deadline = time.monotonic() + SECONDS
    while not (found := StudySite(site).rows("SELECT pid FROM analysis_reportrun WHERE state = 'running'")):
        assert time.monotonic() < deadline, run_of(site)
        time.sleep(0.01)
    os.kill(found[0][0], signal.SIGKILL)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.postgres
def test_a_worker_computes_what_the_site_asks_for_and_takes_up_what_a_dead_one_left(
    postgres: Postgres, redis_url: str, tmp_path: Path
) -> None:
    settings = {"CELERY_BROKER_URL": redis_url, "HARMONY_REPORT_WORKER": "true"}
    with answered_site(postgres.new_database(), **settings) as site:
        browser = logged_in(site)
        address = ask(browser).json()["address"]
        # Nobody is there yet to begin it.
        time.sleep(0.3)
        assert browser.get(address).json()["state"] == "queued"
        with report_worker(site, tmp_path / "worker.log"):
            kill_running(site)
            deadline = time.monotonic() + SECONDS
            while browser.get(address).json()["state"] != "done":
                assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()
                time.sleep(0.1)
        assert run_of(site)["attempt"] == 2
        assert "Simulated annotators" in browser.get(PAGE).body.decode()
