"""A whole build by the real worker: what an admin enqueues comes out as a bundle."""

from pathlib import Path

import pytest
from celery import Celery

from attribution.bundle import verify_bundle
from attribution.tests.workers import running_worker


def test_the_worker_builds_a_bundle_and_a_wrong_config_fails_with_its_text(
    small_run: Path, redis_url: str, tmp_path: Path
) -> None:
    client = Celery("client", broker=redis_url, backend=redis_url)
    with running_worker("attribution.worker", redis_url, tmp_path / "worker.log"):
        arguments = {"config": str(small_run), "out": str(tmp_path / "out")}
        built = client.send_task("attribution.build", kwargs=arguments, queue="gpu").get(timeout=180)
        verify_bundle(Path(built))
        small_run.write_text(small_run.read_text().replace("pairs = 4", "pears = 4"))
        arguments = {"config": str(small_run), "out": str(tmp_path / "other")}
        failing = client.send_task("attribution.build", kwargs=arguments, queue="gpu")
        with pytest.raises(Exception, match="pears: unknown key: did you mean 'pairs'"):
            failing.get(timeout=180)
    client.close()
