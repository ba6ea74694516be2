"""A stand-in for those who do the steps of builds, without torch: the same messages, outputs and events.

It is a Celery application (`celery --app studies.tests.build_worker worker --queues gpu`), the child of a local build
(`python -m studies.tests.build_worker --storage URL`), and a function for tests in one process. What it is to do wrong
lies in the storage, in `faults.json`: {"<step>": [fault, fault, ...]}; each time that the step is done takes the first.
"""

import hashlib
import json
import os
import signal
import socket
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery import Celery

from attribution.last_words import LastWords, trying
from attribution.shared_storage import SharedStorage
from studies.tests.bundles import write_bundle

Event = dict[str, Any]
Tell = Callable[[list[Event]], None]
NAME = f"{socket.gethostname()}/{os.getpid()}"
RUN = "run-0123456789"
FAULTS = "faults.json"
CHUNK_IMAGES = 4


class GoneError(RuntimeError):
    """In one process: whoever did the step has died."""


def order_faults(storage: SharedStorage, **faults: list[str]) -> None:
    """Have steps go wrong; in the names of steps `__` stands for `:`, and `_` for `-`."""
    named = {name.replace("__", ":").replace("_", "-"): listed for name, listed in faults.items()}
    storage.write(FAULTS, json.dumps(named).encode())


def carry_out(storage: SharedStorage, task: str, kwargs: dict[str, Any], tell: Tell, worker: str = NAME) -> None:
    """Do a step, as workers do, and tell how it went."""
    build, attempt, name = kwargs["build"], kwargs["attempt"], kwargs["step"]
    known = {"build": build, "attempt": attempt, "step": name, "worker": worker}

    def event(state: str, **told: Any) -> Event:
        return {**known, "state": state, "at": time.time(), **told}

    fault = _take_fault(storage, name)
    if storage.exists(f"builds/{build}/cancelled-{attempt}"):
        tell([event("cancelled")])
        return
    tell([event("running", what=f"{name}: begun", done=0, total=4)])
    if fault.startswith("slow"):
        time.sleep(float(fault.removeprefix("slow") or "1"))
    if fault in ("input", "image", "passing", "fault"):
        tell([event("failed", error=f"{name}: cannot be done", kind=fault)])
        return
    if fault == "killed":
        with LastWords(Path(os.environ["HARMONY_WORK_DIR"])).of(build, attempt, name), trying(f"the maps of {name}"):
            os.kill(os.getpid(), signal.SIGKILL)
    if fault == "gone":
        raise GoneError(name)
    if not storage.exists(kwargs["output"]):
        STEPS[task.rpartition(".")[2]](storage, kwargs)
    if fault == "lied":
        storage.remove(kwargs["output"])
    if fault != "silent":
        tell([event("done", seconds=0.25, lines=[[time.time(), "info", f"{name}: done"]])])


def _take_fault(storage: SharedStorage, step: str) -> str:
    try:
        ordered = json.loads(storage.read(FAULTS))
    except FileNotFoundError:
        return ""
    kind = step.partition(":")[0]
    for wanted in (step, kind):
        if ordered.get(wanted):
            taken: str = ordered[wanted].pop(0)
            storage.write(FAULTS, json.dumps(ordered).encode())
            return taken
    return ""


def _job(storage: SharedStorage, build: str) -> dict[str, Any]:
    return tomllib.loads(json.loads(storage.read(f"builds/{build}/job.json"))["config"])


def _conditions(config: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {
        f"{metric['name']}-{attributor}".lower(): (metric["name"], attributor)
        for metric in config["metrics"]
        for attributor in config["attributors"]
    }


def _write(storage: SharedStorage, output: str, content: Any) -> None:
    storage.write(output, json.dumps(content).encode())


def plan(storage: SharedStorage, kwargs: dict[str, Any]) -> None:
    config = _job(storage, kwargs["build"])
    conditions = [
        {
            "name": f"{metric} x {attributor}",
            "finetune": {
                "step": f"finetune:{slug}",
                "output": f"runs/{RUN}/conditions/{slug}-{_digest(config['pairs'])}.json",
                "arguments": {"condition": slug},
            },
            "steps": 4,
        }
        for slug, (metric, attributor) in _conditions(config).items()
    ]
    told = {"run": RUN, "device": "cpu", "conditions": conditions, "images": config["pairs"], "pairs": config["pairs"]}
    _write(storage, kwargs["output"], {**told, "chunk_images": CHUNK_IMAGES, "chunks": 1, "dataset": {}, "seconds": 1})


def finetune(storage: SharedStorage, kwargs: dict[str, Any]) -> None:
    images = _job(storage, kwargs["build"])["pairs"]
    slug = kwargs["condition"]
    chunks = []
    for number, start in enumerate(range(0, images, CHUNK_IMAGES), 1):
        stop = min(start + CHUNK_IMAGES, images)
        chunks.append(
            {
                "step": f"chunk:{slug}:{number:04}",
                "output": f"runs/{RUN}/chunks/{_digest(slug, start, stop)}.zip",
                "images": stop - start,
                "arguments": {"condition": slug, "start": start, "stop": stop, "weights": _digest(slug)},
            }
        )
    scores = {"improved": True, "before": 0.25, "after": 0.5, "agreement": None, "step": 3, "seconds": 2.0}
    _write(storage, kwargs["output"], {"condition": slug, **scores, "chunks": chunks})


def chunk(storage: SharedStorage, kwargs: dict[str, Any]) -> None:
    storage.write(kwargs["output"], _digest(kwargs["condition"], kwargs["start"]).encode())


def merge(storage: SharedStorage, kwargs: dict[str, Any]) -> None:
    config = _job(storage, kwargs["build"])
    name = kwargs["output"].replace(".json", ".zip")
    with tempfile.TemporaryDirectory() as temporary:
        folder = write_bundle(
            Path(temporary) / "bundle",
            slug=config["name"],
            images=2,
            metrics=[metric["name"] for metric in config["metrics"]],
            attributors=config["attributors"],
        )
        archive = Path(temporary) / "bundle.zip"
        with zipfile.ZipFile(archive, "w") as packed:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    packed.write(path, path.relative_to(folder).as_posix())
        storage.upload(archive, name)
        digest, size = hashlib.sha256(archive.read_bytes()).hexdigest(), archive.stat().st_size
    manifest = {"format": "harmony-bundle/1", "study": config["name"]}
    _write(storage, kwargs["output"], {"bundle": name, "sha256": digest, "size": size, "manifest": manifest})


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


STEPS = {"plan": plan, "finetune": finetune, "chunk": chunk, "merge": merge}

# No fixups: with DJANGO_SETTINGS_MODULE in the environment Celery's own would load Django.
app = Celery("stand-in", broker=os.environ.get("CELERY_BROKER_URL", "memory://"), fixups=[])
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1, task_ignore_result=True, worker_concurrency=1)


def _by_celery(kind: str) -> None:
    def do(**kwargs: Any) -> None:
        def tell(events: list[Event]) -> None:
            app.send_task("studies.builds.heard", kwargs={"events": events}, queue="default")

        storage = SharedStorage.open(os.environ["HARMONY_BUILDS_URL"])
        carry_out(storage, f"attribution.{kind}", kwargs, tell)

    app.task(name=f"attribution.{kind}")(do)


for _kind in STEPS:
    _by_celery(_kind)


def main() -> None:
    """Be the child of a local build."""
    storage = SharedStorage.open(sys.argv[sys.argv.index("--storage") + 1])
    print("the stand-in has begun", file=sys.stderr)
    for line in sys.stdin:
        asked = json.loads(line)
        carry_out(
            storage, asked["task"], asked["kwargs"], lambda events: print(json.dumps({"events": events}), flush=True)
        )
        print(json.dumps({"ended": asked["kwargs"]["step"]}), flush=True)


if __name__ == "__main__":
    main()
