"""Workers show that they are there: real worker processes of both halves, on a real Redis."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from pytest_django import Settings

from attribution.worker_signs import EXPIRES_SECONDS, KEY, NAMES, WorkerSigns
from harmony_app import broker as asked_broker
from harmony_app.tests.servers import ROOT, Server
from harmony_app.workers import Worker, workers_seen

SIGN = {"queues": ["gpu"], "device": "cuda", "pid": 7, "started": "2026-01-02T03:04:05+00:00"}


@pytest.fixture
def broker(redis_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    settings.CELERY_BROKER_URL = redis_url
    # The Redis of these tests is there, and on a busy machine it may be late.
    monkeypatch.setattr(asked_broker, "ANSWER_SECONDS", 30.0)
    with contextlib.closing(redis.Redis.from_url(redis_url)) as client:
        client.delete(NAMES, *(KEY + name for name in ("one", "two", "gpu@a", "default@a", "broken")))
        yield client
        client.delete(NAMES)


def put(broker: redis.Redis, name: str, sign: str) -> None:
    broker.set(KEY + name, sign, ex=EXPIRES_SECONDS)
    broker.sadd(NAMES, name)


def wait_for(is_so: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_without_a_broker_nobody_is_seen(settings: Settings) -> None:
    settings.CELERY_BROKER_URL = ""
    assert workers_seen() == []


def test_a_broker_that_is_away_shows_nobody_and_soon(settings: Settings) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    began = time.monotonic()
    assert workers_seen() == []
    assert time.monotonic() - began < 20


def test_a_sign_is_read_as_it_was_written(broker: redis.Redis, redis_url: str) -> None:
    signs = WorkerSigns(redis_url, {"name": "one", **SIGN})
    signs.start()
    wait_for(lambda: bool(workers_seen()))
    [worker] = workers_seen()
    assert (worker.name, worker.queues, worker.device, worker.pid) == ("one", ("gpu",), "cuda", 7)
    assert worker.started.isoformat() == "2026-01-02T03:04:05+00:00"
    signs.stop()
    assert workers_seen() == []


def test_a_sign_expires_and_its_name_is_forgotten(broker: redis.Redis) -> None:
    put(broker, "one", json.dumps({"name": "one", **SIGN}))
    assert 0 < broker.ttl(KEY + "one") <= EXPIRES_SECONDS
    broker.delete(KEY + "one")
    assert workers_seen() == []
    assert broker.scard(NAMES) == 0


@pytest.mark.parametrize(
    "sign", ["", "no json", "[]", "{}", '{"name": "broken"}', json.dumps({"name": "x", **SIGN, "pid": "a"})]
)
def test_a_sign_that_cannot_be_read_hides_no_other(broker: redis.Redis, sign: str) -> None:
    put(broker, "broken", sign)
    put(broker, "two", json.dumps({"name": "two", **SIGN}))
    assert [worker.name for worker in workers_seen()] == ["two"]


def test_signs_go_on_after_redis_was_away(broker: redis.Redis, redis_url: str) -> None:
    signs = WorkerSigns(redis_url, {"name": "one", **SIGN}, seconds_between=0.05)
    signs.start()
    try:
        wait_for(lambda: bool(workers_seen()))
        broker.client_kill_filter(_type="normal", skipme=True)
        broker.delete(KEY + "one")
        wait_for(lambda: bool(workers_seen()))
    finally:
        signs.stop()


def test_signs_need_neither_torch_nor_django() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'django', 'numpy', 'studies', 'harmony_app']));"
        "import attribution.worker_signs; print('loaded')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "loaded"


@contextlib.contextmanager
def celery(folder: Path, redis_url: str, app: str, queues: str, name: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "celery", "--app", app, "worker", "--queues", queues, "--concurrency", "1"]
    environment = {
        "CELERY_BROKER_URL": redis_url,
        "HARMONY_DATA_DIR": str(folder),
        "HARMONY_DEVICE": "cpu",
        "HARMONY_BUILDS_URL": f"file://{folder}/builds",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "INFO",
    }
    server = Server([*command, "--hostname", name], folder / "celery.log", **environment)
    server.launch()
    try:
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.end(signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("app", "queues", "name", "device"),
    [
        ("harmony_app", "default,reports", "default@a", ""),
        ("attribution.worker", "gpu", "gpu@a", "cpu"),
    ],
)
def test_a_real_worker_is_seen_while_it_runs_and_gone_when_it_ends(
    broker: redis.Redis, redis_url: str, tmp_path: Path, app: str, queues: str, name: str, device: str
) -> None:
    with celery(tmp_path, redis_url, app, queues, name) as server:
        found: list[Worker] = []

        def is_seen() -> bool:
            server.check_alive()
            found[:] = workers_seen()
            return bool(found)

        wait_for(is_seen)
        [worker] = found
        assert (worker.name, worker.queues, worker.device) == (name, tuple(queues.split(",")), device)
        assert server.process is not None
        assert worker.pid == server.process.pid
        os.kill(server.process.pid, signal.SIGTERM)
        server.process.wait(120)
        assert workers_seen() == []
    told = [json.loads(line) for line in (tmp_path / "celery.log").read_text().splitlines() if line.startswith("{")]
    assert any(line["message"].endswith(f"{name} ready.") for line in told)


@pytest.mark.slow
def test_lines_of_a_real_task_carry_its_id_and_the_number_of_the_request(
    broker: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    number = "0123456789abcdef"
    send = (
        "from harmony_app import celery_app; from harmony_app.log_context import CURRENT, Context;"
        f"CURRENT.set(Context(request_id={number!r}));"
        "print(celery_app.send_task('analysis.compute_report', [1, 'not a number'], queue='reports').id)"
    )
    environment = {**os.environ, "CELERY_BROKER_URL": redis_url, "HARMONY_DATA_DIR": str(tmp_path)}
    with celery(tmp_path, redis_url, "harmony_app", "reports", "default@a"):
        wait_for(lambda: bool(workers_seen()))
        sent = subprocess.run(
            [sys.executable, "-c", send], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        task = sent.stdout.strip()

        def lines() -> list[dict[str, str]]:
            # The last line may be half-written.
            whole = (tmp_path / "celery.log").read_text().rpartition("\n")[0]
            return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

        wait_for(lambda: any(line["logger"] == "celery.app.trace" for line in lines()))
        traced = next(line for line in lines() if line["logger"] == "celery.app.trace")
        received = next(line for line in lines() if "received" in line["message"])
    assert (traced["task_id"], traced["task"], traced["request_id"]) == (task, "analysis.compute_report", number)
    assert (received["task_id"], received["task"]) == (task, "analysis.compute_report")
    assert "Traceback" in traced["exception"]
