"""Builds in one process: what is sent is kept, and done by the stand-in when a test says so."""

import contextlib
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import Settings

from attribution.shared_storage import SharedStorage
from studies.builds import broker, ticking
from studies.builds.asking import build_queue
from studies.builds.broker import BrokerDownError, Message
from studies.builds.importing import build_load
from studies.builds.steps import steps_of
from studies.models import Build, BuildStep, User
from studies.tests.build_worker import Event, GoneError, carry_out

CONFIG = """
name = "{name}"
title = "Maps of shapes"
seed = 1
pairs = {pairs}
attributors = ["GradCAM", "GuidedBackprop"]

[dataset]
name = "shapes"
layout = "folder"
images = "shapes"

[network]
name = "TinyNet"
spec = "torchvision:resnet18"

[[metrics]]
name = "RMA"
"""


def config(name: str = "built", pairs: int = 6) -> str:
    return CONFIG.format(name=name, pairs=pairs)


class BuildSite:
    """The web side with a queue that a test looks into, and workers that work when it says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, settings: Settings, url: str) -> None:
        self.queue: list[Message] = []
        self.told: list[Event] = []
        self.is_down = False
        settings.BUILDS = "celery"
        settings.BUILDS_URL = url
        self.storage = SharedStorage.open(url)
        monkeypatch.setattr(broker, "publish", self._publish)
        monkeypatch.setattr(broker, "queue_is_empty", lambda name: all(sent[0] != name for sent in self.queue))

    def _publish(self, messages: Any) -> None:
        for number, message in enumerate(messages):
            if self.is_down:
                raise BrokerDownError(number)
            if message[1] != broker.TICK:
                self.queue.append(message)

    def start(self, owner: User | None = None, text: str = "", **more: Any) -> Build:
        """Queue a build, with its first step sent."""
        build = build_queue(owner=owner, text=text or config(), file_name="study.toml", trusted=owner is None, **more)
        ticking.builds_tick()
        return build

    def work(self, steps: int = 1_000_000, *, is_heard: bool = True) -> list[str]:
        """Do what is in the queue, and what comes in meanwhile; returns the names of the tasks' steps."""
        done: list[str] = []
        while self.queue and len(done) < steps:
            _, task, kwargs = self.queue.pop(0)
            done.append(kwargs.get("step", "import"))
            if task == broker.LOAD:
                build_load(key=UUID(kwargs["build"]), attempt=kwargs["attempt"])
                continue
            events: list[Event] = []
            with contextlib.suppress(GoneError):
                carry_out(self.storage, task, kwargs, events.extend, worker=f"worker-{len(done) % 2}")
            self.told += events
            if is_heard:
                ticking.heard(events)
        return done

    def pass_time(self, build: Build, seconds: float) -> None:
        """Let everything that was heard and sent be so many seconds older."""
        earlier = timedelta(seconds=seconds)
        for step in steps_of(fresh(build)):
            for name in ("sent_at", "seen_at", "not_before", "started_at"):
                if (at := getattr(step, name)) is not None:
                    setattr(step, name, at - earlier)
            step.save()
        now = fresh(build)
        Build.objects.filter(pk=build.pk).update(
            seen_at=None if now.seen_at is None else now.seen_at - earlier, requested_at=now.requested_at - earlier
        )


def fresh(build: Build) -> Build:
    return Build.objects.get(pk=build.pk)


def states(build: Build) -> dict[str, str]:
    return dict(steps_of(fresh(build)).values_list("name", "state"))


def step_of(build: Build, name: str) -> BuildStep:
    return steps_of(fresh(build)).get(name=name)


def event(build: Build, step: str, state: str, **told: Any) -> Event:
    known = {"build": str(build.key), "attempt": build.attempt, "step": step, "state": state, "worker": "w"}
    return {**known, "at": time.time(), **told}


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)
