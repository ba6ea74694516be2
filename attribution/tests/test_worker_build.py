"""Real steps by the real worker, and by the process that a site without a broker starts."""

import json
import subprocess
import sys
from pathlib import Path

from celery import Celery

from attribution.tests.steps import BUILD, SmallBuild
from attribution.tests.workers import ROOT, Heard, running_worker

PLAN = {"build": BUILD, "attempt": 1, "step": "plan", "output": f"builds/{BUILD}/plan-1.json"}


def test_the_worker_plans_fine_tunes_and_explains(small_run: Path, redis_url: str, tmp_path: Path) -> None:
    build = SmallBuild(small_run, tmp_path)
    client = Celery("client", broker=redis_url)
    heard = Heard(client)
    places = {"HARMONY_BUILDS_URL": build.storage.address, "HARMONY_WORK_DIR": str(tmp_path / "work")}
    with running_worker("attribution.worker", redis_url, tmp_path / "worker.log", **places):
        client.send_task("attribution.plan", kwargs=PLAN, queue="gpu")
        assert heard.ended("plan", 120)["state"] == "done"
        step = build.read(str(PLAN["output"]))["conditions"][0]["finetune"]
        of_build = {"build": BUILD, "attempt": 1}
        asked = {**of_build, "step": step["step"], "output": step["output"], **step["arguments"]}
        client.send_task("attribution.finetune", kwargs=asked, queue="gpu")
        assert heard.ended(step["step"], 120)["state"] == "done"
        chunk = build.read(step["output"])["chunks"][0]
        asked = {**of_build, "step": chunk["step"], "output": chunk["output"], **chunk["arguments"]}
        client.send_task("attribution.chunk", kwargs=asked, queue="gpu")
        assert heard.ended(chunk["step"], 120)["state"] == "done"
        assert build.storage.exists(chunk["output"])
    lines = [text for event in heard.events for _, _, text in event.get("lines", [])]
    assert any("RMA x GradCAM: step 2, RMA" in line for line in lines)
    client.close()


def test_a_local_process_takes_steps_line_by_line(small_run: Path, tmp_path: Path) -> None:
    build = SmallBuild(small_run, tmp_path)
    asked = [
        {"task": "attribution.plan", "kwargs": PLAN},
        {"task": "attribution.merge", "kwargs": {**PLAN, "step": "merge", "output": f"builds/{BUILD}/bundle-1.json"}},
    ]
    done = subprocess.run(
        [sys.executable, "-m", "attribution", "work", "--storage", build.storage.address],
        cwd=ROOT,
        input="".join(json.dumps(each) + "\n" for each in asked),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["ended"] for line in lines if "ended" in line] == ["plan", "merge"]
    events = [event for line in lines for event in line.get("events", []) if event["state"] != "running"]
    # What the chunks leave is missing, so there is nothing to merge.
    assert [(event["step"], event["state"]) for event in events] == [("plan", "done"), ("merge", "failed")]
    assert events[1]["kind"] == "passing"
