"""Reads: builds as a list shows them, the stages of one, and who is at work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db.models import Case, Count, F, FloatField, Q, Sum, Value, When
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from studies import numbers
from studies.builds.progress import SHARES, Progress
from studies.models import Build, BuildStep

Kind = BuildStep.Kind
Step = BuildStep.State
StageState = Literal["waiting", "running", "done", "failed", "left"]
RECENT = timedelta(minutes=1)
STAGES: Sequence[tuple[str, str | Promise]] = (
    (Kind.PLAN, gettext_lazy("Checking")),
    (Kind.FINETUNE, gettext_lazy("Fine-tuning")),
    (Kind.CHUNK, gettext_lazy("Maps and scores")),
    (Kind.MERGE, gettext_lazy("Bundle")),
    (Kind.IMPORT, gettext_lazy("Import")),
)
WORDS: Mapping[StageState, str | Promise] = {
    "waiting": gettext_lazy("not begun"),
    "running": gettext_lazy("under way"),
    "done": gettext_lazy("done"),
    "failed": gettext_lazy("failed"),
    "left": gettext_lazy("not finished"),
}


@dataclass(frozen=True)
class Stage:
    """A stage of a build, and how far it is in words."""

    name: str | Promise
    state: StageState
    note: str

    @property
    def word(self) -> str | Promise:
        return WORDS[self.state]


def stages_of(build: Build, progress: Progress) -> list[Stage]:
    """Return the five stages of the present attempt."""
    stages: list[Stage] = []
    for kind, name in STAGES:
        counts = progress.steps[kind]
        # Chunks come in as networks are fine-tuned: all that are there may be done, and others come.
        is_whole = kind != Kind.CHUNK or all(stage.state == "done" for stage in stages)
        stages.append(Stage(name, _state(build, counts, is_whole=is_whole), _note(kind, counts, progress)))
    return stages


def _state(build: Build, counts: Mapping[str, int], *, is_whole: bool) -> StageState:
    number = sum(counts.values())
    if build.state == Build.State.DONE or (number and counts[Step.DONE] == number and is_whole):
        return "done"
    if not number:
        return "waiting"
    if build.state == Build.State.FAILED and (counts[Step.FAILED] or counts[Step.RUNNING]):
        return "failed"
    if not build.is_under_way:
        return "left"
    return "running" if counts[Step.RUNNING] or counts[Step.DONE] else "waiting"


def _note(kind: str, counts: Mapping[str, int], progress: Progress) -> str:
    number, done = sum(counts.values()), counts[Step.DONE]
    if kind == Kind.FINETUNE and number:
        if done == number:
            return ngettext("{number} condition", "{number} conditions", number).format(number=number)
        return _("{done} of {all} conditions").format(done=done, all=number)
    if kind == Kind.CHUNK and number and progress.images:
        shown = numbers.whole(progress.images)
        if progress.images_done == progress.images:
            return _("{number} images").format(number=shown)
        images_done = numbers.whole(progress.images_done)
        return _("{done} of {all} images").format(done=images_done, all=shown)
    return ""


@dataclass(frozen=True)
class BuildRow:
    """A build in the list; `lasted` is None before it was begun."""

    build: Build
    fraction: float
    lasted: timedelta | None


def build_rows(builds: Sequence[Build]) -> list[BuildRow]:
    """Return how far these builds are, in one query."""
    of_step = Case(
        When(state=Step.DONE, then=Value(1.0)),
        When(total__gt=0, then=Cast("done", FloatField()) / Cast("total", FloatField())),
        default=Value(0.0),
    )
    counted = {
        row["build"]: row
        for row in BuildStep.objects.filter(
            build__in=[build.pk for build in builds if build.is_under_way], attempt=F("build__attempt")
        )
        .order_by()
        .values("build")
        .annotate(
            tuned=Sum(of_step, filter=Q(kind=Kind.FINETUNE)),
            images=Sum("images", filter=Q(kind=Kind.CHUNK, state=Step.DONE)),
            merged=Count("pk", filter=Q(kind=Kind.MERGE, state=Step.DONE)),
        )
    }
    now = timezone.now()
    return [BuildRow(build, _fraction(build, counted.get(build.pk, {})), lasted(build, now)) for build in builds]


def _fraction(build: Build, counted: Mapping[str, Any]) -> float:
    """What `build_progress` says, but for what running chunks tell."""
    conditions = len(build.plan.get("conditions", []))
    images = build.plan.get("images", 0) * conditions
    if not conditions:
        return 0.0
    done = SHARES[Kind.PLAN] + SHARES[Kind.FINETUNE] * (counted.get("tuned") or 0.0) / conditions
    if images:
        done += SHARES[Kind.CHUNK] * min((counted.get("images") or 0) / images, 1.0)
    return done + SHARES[Kind.MERGE] * bool(counted.get("merged"))


def lasted(build: Build, now: datetime) -> timedelta | None:
    """Return how long the build has taken so far, or in all; None before it was begun."""
    if build.started_at is None:
        return None
    return max(timedelta(), (build.finished_at or now) - build.started_at)


def workers_at_work() -> int:
    """Return how many workers have given a sign of life of a step that they are at."""
    return (
        BuildStep.objects.filter(state=Step.RUNNING, seen_at__gte=timezone.now() - RECENT)
        .values("worker")
        .distinct()
        .count()
    )
