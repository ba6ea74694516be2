"""The Celery worker, as a process of its own, with a real Redis between it and the one who asks."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import ImproperlyConfigured

from attribution.tests.workers import ROOT, running_worker, wait_until

BROKER = {"CELERY_BROKER_URL": "redis://127.0.0.1:6379/0"}


def make_app(environ: dict[str, str]) -> Celery:
    """Import :mod:`attribution.worker` with a broker set, for it configures its own app on import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CELERY_BROKER_URL", BROKER["CELERY_BROKER_URL"])
        from attribution import worker
    return worker.make_app(environ)


@pytest.fixture(scope="module")
def client(redis_url: str) -> Iterator[Celery]:
    """The asking side: it knows the broker and the task's name, nothing else."""
    app = Celery("client", broker=redis_url, backend=redis_url)
    yield app
    app.close()


@pytest.fixture(scope="module")
def worker(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with running_worker("attribution.tests.stand_in_worker", redis_url, log):
        yield


@pytest.fixture
def enqueue(client: Celery, worker: None, tmp_path: Path) -> Callable[[str], Any]:
    """A function that enqueues a build whose config is one word, in the folder tmp_path/out."""

    def enqueue_build(word: str) -> Any:
        config = tmp_path / "study.toml"
        config.write_text(word)
        arguments = {"config": str(config), "out": str(tmp_path / "out")}
        return client.send_task("attribution.build", kwargs=arguments, queue="gpu")

    return enqueue_build


def test_a_build_enqueued_by_name_is_carried_out_by_the_worker(enqueue: Callable[[str], Any], tmp_path: Path) -> None:
    result = enqueue("good")
    assert result.get(timeout=30) == str(tmp_path / "out" / "bundle")
    assert (tmp_path / "out" / "bundle").is_dir()


def test_a_running_build_tells_how_far_it_is(enqueue: Callable[[str], Any], tmp_path: Path) -> None:
    result = enqueue("wait")
    wait_until(lambda: result.state == "PROGRESS", "the build reports progress")
    assert result.info == {"what": "fine-tuning on cpu", "done": 1, "total": 2}
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "go").touch()
    assert result.get(timeout=30) == str(tmp_path / "out" / "bundle")


def test_a_failing_config_reports_its_error_text(enqueue: Callable[[str], Any]) -> None:
    result = enqueue("bad")
    result.get(timeout=30, propagate=False)
    assert result.state == "FAILURE"
    assert str(result.result) == 'study.toml: metrics[1].name: unknown metric "focuss" (known: focus, rma)'


def test_a_build_whose_process_was_killed_is_resumed(enqueue: Callable[[str], Any], tmp_path: Path) -> None:
    result = enqueue("killed")
    assert result.get(timeout=30) == str(tmp_path / "out" / "resumed")


def test_a_missing_broker_is_named() -> None:
    with pytest.raises(ImproperlyConfigured, match="CELERY_BROKER_URL is not set"):
        make_app({})


def test_a_broker_that_cannot_hold_results_needs_a_result_backend() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"CELERY_RESULT_BACKEND is not set and the broker \(amqp\)"):
        make_app({"CELERY_BROKER_URL": "amqp://127.0.0.1"})


def test_results_go_to_the_broker_unless_another_place_is_named() -> None:
    other = "redis://127.0.0.1:6379/1"
    assert make_app(BROKER).conf.result_backend == BROKER["CELERY_BROKER_URL"]
    assert make_app(BROKER | {"CELERY_RESULT_BACKEND": other}).conf.result_backend == other


def test_a_device_is_given_one_build_at_a_time_and_unfinished_ones_stay_queued() -> None:
    conf = make_app(BROKER).conf
    assert (conf.worker_concurrency, conf.worker_prefetch_multiplier) == (1, 1)
    assert (conf.task_acks_late, conf.task_reject_on_worker_lost) == (True, True)
    assert conf.task_default_queue == "gpu"


def test_a_build_that_kills_its_process_is_not_tried_for_ever() -> None:
    app = make_app(BROKER)
    app.loader.import_default_modules()
    assert app.conf.task_retry_on_worker_lost
    assert app.tasks["attribution.build"].max_retries == 2


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
        env=os.environ | BROKER,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "set()\n"
