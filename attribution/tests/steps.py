"""A build carried out step by step, as the web side asks for it, by benches in this process."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attribution.jobs.carrying_out import Bench
from attribution.jobs.job import FORMAT
from attribution.jobs.settings import make_bench
from attribution.jobs.telling import Event
from attribution.shared_storage import SharedStorage

BUILD = "0f1d8f3e-6f0e-4c8f-9d52-5a8a9d0b8a01"


class StepError(RuntimeError):
    """A step that did not end well: its state, the kind of failure and what was told."""

    def __init__(self, event: Event) -> None:
        super().__init__(event.get("error", event["state"]))
        self.event = event


class SmallBuild:
    """A build of a config in a folder storage, and what its benches tell."""

    def __init__(self, config: Path, folder: Path, *, trusted: bool = True, base: str | None = None) -> None:
        self.folder = folder
        self.storage = SharedStorage.open(f"file://{folder / 'storage'}")
        self.events: list[Event] = []
        self.attempt = 1
        self.write_job(config.read_text(), trusted=trusted, base=str(config.parent) if base is None else base)

    def write_job(self, text: str, *, trusted: bool, base: str) -> None:
        about = {"format": FORMAT, "attempt": self.attempt, "name": "study.toml"}
        job = {**about, "config": text, "base": base, "trusted": trusted}
        self.storage.write(f"builds/{BUILD}/job.json", json.dumps(job).encode())

    def bench(self, slot: str = "one", **environ: str) -> Bench:
        """A process's bench; with another slot, of another process on the same machine."""
        settings = {"HARMONY_DEVICE": "cpu", "HARMONY_WORK_DIR": str(self.folder / "work"), **environ}
        return make_bench(settings, self.events.extend, slot=slot, storage=self.storage)

    def do(self, bench: Bench, kind: str, step: str, output: str, **arguments: Any) -> Event:
        """Carry out one step; returns its last event. Raises StepError if it is not done."""
        before = len(self.events)
        bench.carry_out(kind, build=BUILD, attempt=self.attempt, step=step, output=output, **arguments)
        bench.teller.flush()
        ended = next(event for event in self.events[before:] if event["state"] != "running")
        if ended["state"] != "done":
            raise StepError(ended)
        return ended

    def plan(self, bench: Bench) -> Mapping[str, Any]:
        output = f"builds/{BUILD}/plan-{self.attempt}.json"
        self.do(bench, "plan", "plan", output)
        return self.read(output)

    def finetuned(self, bench: Bench, plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Fine-tune every condition; gives what each left."""
        for condition in plan["conditions"]:
            step = condition["finetune"]
            self.do(bench, "finetune", step["step"], step["output"], **step["arguments"])
            yield self.read(step["output"])

    def chunk(self, bench: Bench, chunk: Mapping[str, Any]) -> None:
        self.do(bench, "chunk", chunk["step"], chunk["output"], **chunk["arguments"])

    def merge(self, bench: Bench) -> Mapping[str, Any]:
        output = f"builds/{BUILD}/bundle-{self.attempt}.json"
        self.do(bench, "merge", "merge", output)
        return self.read(output)

    def read(self, name: str) -> Mapping[str, Any]:
        content: Mapping[str, Any] = json.loads(self.storage.read(name))
        return content
