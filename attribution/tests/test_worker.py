"""The Celery worker, as a process of its own, with a real Redis between it and the one who asks."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery
from celery.exceptions import ImproperlyConfigured

from attribution import full_queue, tasks
from attribution.jobs.telling import NotSentError
from attribution.shared_storage import SharedStorage
from attribution.tests.workers import ROOT, Heard, running_worker, wait_until

ENVIRONMENT = {"CELERY_BROKER_URL": "redis://127.0.0.1:6379/0", "HARMONY_BUILDS_URL": "file:///var/empty/builds"}


def make_app(environ: dict[str, str]) -> Celery:
    """Import :mod:`attribution.worker` with a broker set, for it configures its own app on import."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        from attribution import worker
    return worker.make_app(environ)


@pytest.fixture(scope="module")
def client(redis_url: str) -> Iterator[Celery]:
    """The asking side: it knows the broker and the task's name, nothing else."""
    app = Celery("client", broker=redis_url)
    yield app
    app.close()


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> SharedStorage:
    return SharedStorage.open(f"file://{tmp_path_factory.mktemp('storage')}")


@pytest.fixture(scope="module")
def worker(redis_url: str, storage: SharedStorage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with running_worker("attribution.tests.stand_in_worker", redis_url, log, HARMONY_BUILDS_URL=storage.address):
        yield


@pytest.fixture(scope="module")
def heard(client: Celery) -> Heard:
    return Heard(client)


@pytest.fixture
def enqueue(client: Celery, worker: None, request: pytest.FixtureRequest) -> Callable[[str], str]:
    """A function that enqueues a step whose condition is one word; gives the build that it is of."""

    def enqueue_step(word: str) -> str:
        build = f"{word}-{request.node.originalname}"[:60]
        arguments = {"build": build, "attempt": 1, "step": build, "output": f"builds/{build}/out", "condition": word}
        client.send_task("attribution.chunk", kwargs=arguments, queue="gpu")
        return build

    return enqueue_step


def test_a_step_enqueued_by_name_is_carried_out_and_told(
    enqueue: Callable[[str], str], heard: Heard, storage: SharedStorage
) -> None:
    build = enqueue("good")
    event = heard.ended(build)
    assert (event["state"], event["build"], event["attempt"]) == ("done", build, 1)
    assert storage.read(f"builds/{build}/out") == b"1"


def test_a_running_step_tells_how_far_it_is(
    enqueue: Callable[[str], str], heard: Heard, storage: SharedStorage
) -> None:
    build = enqueue("wait")

    def tells() -> bool:
        heard.listen()
        return any(event["step"] == build and event["state"] == "running" for event in heard.events)

    wait_until(tells, "the step tells how far it is")
    event = next(event for event in heard.events if event["step"] == build)
    assert (event["what"], event["done"], event["total"]) in {("wait", 1, 2), ("", 0, 0)}
    storage.write(f"builds/{build}/go", b"")
    assert heard.ended(build)["state"] == "done"


@pytest.mark.parametrize(
    ("word", "kind", "text"),
    [
        ("bad", "input", 'study.toml: metrics[1].name: unknown metric "focuss" (known: focus, rma)'),
        ("full", "passing", "No space left on device"),
        ("broken", "fault", "KeyError: 'a fault'"),
    ],
)
def test_a_failure_is_told_by_what_can_be_done_about_it(
    enqueue: Callable[[str], str], heard: Heard, word: str, kind: str, text: str
) -> None:
    event = heard.ended(enqueue(word))
    assert (event["state"], event["kind"]) == ("failed", kind)
    assert text in event["error"]


def test_a_step_whose_process_was_killed_is_tried_again(
    enqueue: Callable[[str], str], heard: Heard, storage: SharedStorage
) -> None:
    build = enqueue("killed")
    assert heard.ended(build)["state"] == "done"
    assert storage.read(f"builds/{build}/out") == b"2"


def test_a_process_whose_device_failed_gives_the_next_step_to_another(
    enqueue: Callable[[str], str], heard: Heard, storage: SharedStorage
) -> None:
    failed = heard.ended(enqueue("device"))
    assert (failed["state"], failed["kind"]) == ("failed", "passing")
    assert "an illegal memory access" in failed["error"]
    build = enqueue("good")
    done = heard.ended(build)
    assert done["state"] == "done"
    assert done["worker"] != failed["worker"]
    assert storage.read(f"builds/{build}/out") == b"1"


def test_a_step_that_always_kills_its_process_does_not_hold_up_the_others(
    enqueue: Callable[[str], str], heard: Heard, storage: SharedStorage
) -> None:
    poison = enqueue("poison")
    good = enqueue("good")
    # What is told of it may die with the process, which may be given the poison next.
    wait_until(lambda: storage.exists(f"builds/{good}/out"), "the other step is done")

    def tried() -> int:
        return len([name for name in storage.list(f"builds/{poison}") if "/begun-" in name])

    wait_until(lambda: tried() == 3, "it is tried twice more")
    assert heard.ended(enqueue("bad"))["state"] == "failed"
    assert tried() == 3
    told = heard.ended(poison)["error"]
    assert "its process was ended each time that it was tried" in told
    assert "the last time in: maps by poison (leave it out)" in told


def test_a_cancelled_step_stops_while_it_runs(
    enqueue: Callable[[str], str], heard: Heard, storage: SharedStorage
) -> None:
    build = enqueue("wait")
    wait_until(lambda: storage.list(f"builds/{build}"), "the step has begun")
    storage.write(f"builds/{build}/cancelled-1", b"")
    assert heard.ended(build)["state"] == "cancelled"


WAIT = {"build": "ended", "attempt": 1, "step": "ended", "output": "builds/ended/out", "condition": "wait"}


@pytest.fixture
def alone(redis_url: str) -> Iterator[Celery]:
    """The asking side of a broker at which nobody else is."""
    url = redis_url.rpartition("/")[0] + "/12"
    app = Celery("client", broker=url)
    yield app
    app.close()
    with redis.Redis.from_url(url) as client:
        client.flushdb()


def given_back(client: Celery) -> dict[str, object]:
    """What waits for another worker. Of its end nothing was told."""
    heard = Heard(client)
    heard.listen()
    assert {event["state"] for event in heard.events} <= {"running"}
    with client.connection_for_read() as connection, connection.SimpleQueue("gpu") as queue:
        kwargs: dict[str, object] = queue.get(block=False).payload[1]
    return kwargs


def test_a_worker_that_is_told_to_end_soon_gives_its_step_back(
    alone: Celery, storage: SharedStorage, tmp_path: Path
) -> None:
    module, log = "attribution.tests.stand_in_worker", tmp_path / "worker.log"
    with running_worker(module, alone.conf.broker_url, log, HARMONY_BUILDS_URL=storage.address) as process:
        alone.send_task("attribution.chunk", kwargs=WAIT, queue="gpu")
        wait_until(lambda: storage.list("builds/ended"), "the step has begun")
        process.terminate()
        assert process.wait(timeout=60) == 0
    assert given_back(alone) == WAIT


def test_a_worker_whose_device_is_gone_leaves_its_step_to_others_and_ends(
    alone: Celery, storage: SharedStorage, tmp_path: Path
) -> None:
    module, log = "attribution.tests.stand_in_worker", tmp_path / "worker.log"
    places = {"HARMONY_BUILDS_URL": storage.address, "HARMONY_DEVICE": "cuda", "CUDA_VISIBLE_DEVICES": ""}
    with running_worker(module, alone.conf.broker_url, log, **places) as process:
        alone.send_task("attribution.chunk", kwargs=WAIT, queue="gpu")
        process.wait(timeout=120)
    assert "torch sees no CUDA device here: this worker ends" in log.read_text()
    assert given_back(alone) == WAIT


def test_where_nobody_takes_in_what_is_told_only_the_ends_of_steps_are(
    alone: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(full_queue, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(full_queue, "MOST_WAITING", 3)
    monkeypatch.setattr(tasks, "current_app", alone)
    tasks._web_queue.cache_clear()
    running, done = ({"step": "chunk", "state": state} for state in ("running", "done"))
    for _ in range(4):
        tasks._send([running])
    with pytest.raises(NotSentError, match="too many messages wait in the queue default"):
        tasks._send([running])
    tasks._send([running, done])
    heard = Heard(alone)
    heard.listen()
    assert heard.events == [running] * 5 + [done]
    tasks._send([running])
    tasks._web_queue.cache_clear()


def test_a_missing_broker_is_named() -> None:
    with pytest.raises(ImproperlyConfigured, match="CELERY_BROKER_URL is not set"):
        make_app({})


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("HARMONY_BUILDS_URL", "", "HARMONY_BUILDS_URL is not set"),
        ("HARMONY_BUILDS_URL", "ftp://host/folder", "use file:///folder or s3://bucket/prefix"),
        ("HARMONY_DEVICE", "gpu", "HARMONY_DEVICE='gpu': use one of auto, cpu, cuda"),
        ("HARMONY_WORK_GIBIBYTES", "few", "HARMONY_WORK_GIBIBYTES='few': give the GiB"),
        ("HARMONY_DATASETS", "/no/such/folder", "HARMONY_DATASETS='/no/such/folder': is no folder"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, value: str, message: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=message):
        make_app(ENVIRONMENT | {variable: value})


def test_a_device_is_given_one_step_at_a_time_and_unfinished_ones_stay_queued() -> None:
    conf = make_app(ENVIRONMENT).conf
    assert (conf.worker_concurrency, conf.worker_prefetch_multiplier) == (1, 1)
    assert (conf.task_acks_late, conf.task_reject_on_worker_lost) == (True, True)
    assert conf.task_default_queue == "gpu"


def test_a_worker_without_a_broker_stops_with_the_reason() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CELERY_")}
    command = [sys.executable, "-c", "import attribution.worker"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "CELERY_BROKER_URL is not set" in done.stderr


def test_the_worker_loads_neither_django_nor_torch() -> None:
    # kombu imports django.utils.functional when Django is installed; the framework itself is never loaded.
    modules = {"django.conf", "django.db", "torch"}
    code = f"import sys, attribution.worker, attribution.tasks; print({modules} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "set()\n"
