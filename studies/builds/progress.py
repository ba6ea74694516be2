"""How far a build is: some ten queries, however many steps it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max, Min, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from studies.builds.starting import is_dead
from studies.builds.steps import Kind, State, Step, steps_of
from studies.models import Build, BuildLine, BuildStep

RECENT_SECONDS = 180.0
MOST_RUNNING = 100
SHARES = {Kind.PLAN: 0.04, Kind.FINETUNE: 0.44, Kind.CHUNK: 0.44, Kind.MERGE: 0.04, Kind.IMPORT: 0.04}
"""How much of the whole each kind of step counts for."""


@dataclass(frozen=True)
class ConditionProgress:
    """How far a condition is; `step` of `steps` is of its fine-tuning, scores are of the validation images."""

    name: str
    state: str
    step: int
    steps: int
    chunks_done: int
    chunks: int
    images_done: int
    images: int
    improved: bool | None
    before: float | None
    after: float | None
    agreement: float | None


@dataclass(frozen=True)
class Timing:
    """A stage: the seconds of work in it, and the time from its begin to its end (None: not begun)."""

    kind: str
    label: str
    seconds: float
    elapsed: float | None
    is_done: bool


@dataclass(frozen=True)
class Progress:
    """How far a build is. An image counts once in each condition; `rate` is images/s, `remaining` seconds.

    `is_stalled` where nobody does the build any more; `stalled_because` says why and what to do.
    """

    state: str
    stage: str
    fraction: float
    conditions_done: int
    conditions: int
    images_done: int
    images: int
    rate: float | None
    remaining: float | None
    steps: Mapping[str, Mapping[str, int]]
    running: Sequence[BuildStep]
    per_condition: Sequence[ConditionProgress]
    is_stalled: bool
    stalled_because: str
    lines: Sequence[BuildLine]
    timings: Sequence[Timing] = field(default_factory=tuple)


def build_progress(build: Build, *, lines_after: int = 0) -> Progress:
    """Return how far a build is, with the lines of its log that are newer than the one of key `lines_after`."""
    steps = steps_of(build)
    counts = _counts(build)
    chunks = _chunks_by_condition(build)
    finetunes = {step.condition: step for step in steps.filter(kind=Kind.FINETUNE)}
    running = list(steps.filter(state=Step.RUNNING).order_by("pk")[:MOST_RUNNING]) if build.is_under_way else []
    for step in running:
        # What a running chunk reports counts as well; it may count something else than images.
        if step.kind == Kind.CHUNK and step.total:
            part = min(step.done / step.total, 1.0)
            chunks[step.condition]["images_ready"] += int(step.images * part)
    rows = [_condition(planned, finetunes, chunks, build) for planned in build.plan.get("conditions", [])]
    images_done, images = sum(row.images_done for row in rows), sum(row.images for row in rows)
    rate = _rate(build)
    tuned = all(row.state == Step.DONE for row in rows)
    because = _stalled(build, bool(running))
    return Progress(
        state=build.state,
        stage=_stage(build, counts),
        fraction=_fraction(build, counts, rows, images_done, images),
        conditions_done=sum(row.state == Step.DONE and row.chunks_done == row.chunks for row in rows),
        conditions=len(rows),
        images_done=images_done,
        images=images,
        rate=rate,
        remaining=(images - images_done) / rate if rate and rows and tuned else None,
        steps=counts,
        running=running,
        per_condition=rows,
        is_stalled=bool(because),
        stalled_because=because,
        lines=list(BuildLine.objects.filter(build=build, pk__gt=lines_after).order_by("pk")),
        timings=_timings(build, counts),
    )


def _counts(build: Build) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {kind: dict.fromkeys(Step.values, 0) for kind in Kind.values}
    for row in steps_of(build).order_by().values("kind", "state").annotate(number=Count("pk")):
        counts[row["kind"]][row["state"]] = row["number"]
    return counts


def _chunks_by_condition(build: Build) -> dict[str, dict[str, int]]:
    is_done = Q(state=Step.DONE)
    rows = steps_of(build).filter(kind=Kind.CHUNK).order_by().values("condition")
    rows = rows.annotate(
        all=Count("pk"),
        ready=Count("pk", filter=is_done),
        images_ready=Coalesce(Sum("images", filter=is_done), 0),
        images_all=Coalesce(Sum("images"), 0),
    )
    return {row["condition"]: {key: row[key] for key in ("all", "ready", "images_ready", "images_all")} for row in rows}


def _condition(
    planned: Mapping[str, object],
    finetunes: Mapping[str, BuildStep],
    chunks: Mapping[str, dict[str, int]],
    build: Build,
) -> ConditionProgress:
    name = str(planned["name"])
    result = planned.get("result")
    found: Mapping[str, object] = result if isinstance(result, dict) else {}
    step = finetunes.get(name)
    counted = chunks.get(name, {})
    # Until the chunks are known, every image that the plan has is expected.
    expected = 0 if found else int(build.plan.get("images", 0))
    images = counted.get("images_all", expected)
    steps = int(str(planned.get("steps", 0)))
    is_tuned = bool(found)
    # Other parts of the work report other totals.
    done = step.done if step is not None and step.total == steps else 0
    return ConditionProgress(
        name=name,
        state=Step.DONE if is_tuned else (step.state if step is not None else Step.WAITING),
        step=steps if is_tuned else min(done, steps),
        steps=steps,
        chunks_done=counted.get("ready", 0),
        chunks=counted.get("all", 0),
        images_done=min(counted.get("images_ready", 0), images),
        images=images,
        improved=bool(found["improved"]) if found else None,
        before=_score(found.get("before")),
        after=_score(found.get("after")),
        agreement=_score(found.get("agreement")),
    )


def _score(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _rate(build: Build) -> float | None:
    """Images per second over the last minutes, of those that were computed and not found."""
    if build.state != State.RUNNING:
        return None
    now = timezone.now()
    computed = steps_of(build).filter(kind=Kind.CHUNK, state=Step.DONE, sent_at__isnull=False)
    recent = Q(finished_at__gte=now - timedelta(seconds=RECENT_SECONDS))
    found = computed.aggregate(begun=Min("sent_at"), images=Sum("images", filter=recent))
    if found["begun"] is None or not found["images"]:
        return None
    seconds = min((now - found["begun"]).total_seconds(), RECENT_SECONDS)
    return float(found["images"] / max(seconds, 1.0))


def _fraction(
    build: Build, counts: Mapping[str, Mapping[str, int]], rows: Sequence[ConditionProgress], done: int, images: int
) -> float:
    if build.state == State.DONE:
        return 1.0
    tuned = [min(row.step / row.steps, 1.0) if row.steps else float(row.state == Step.DONE) for row in rows]
    shares = {
        Kind.PLAN: float(bool(build.plan)),
        Kind.FINETUNE: sum(tuned) / len(rows) if rows else 0.0,
        Kind.CHUNK: done / images if images else float(bool(counts[Kind.MERGE][Step.DONE])),
        Kind.MERGE: float(counts[Kind.MERGE][Step.DONE] > 0),
        Kind.IMPORT: float(counts[Kind.IMPORT][Step.DONE] > 0),
    }
    return min(sum(SHARES[kind] * shares[kind] for kind in SHARES), 0.99)


def _stage(build: Build, counts: Mapping[str, Mapping[str, int]]) -> str:
    if not build.is_under_way:
        return str(build.get_state_display())
    if build.state == State.IMPORTING:
        return _("loading the study")
    if not build.plan:
        return _("waiting for a worker") if build.state == State.QUEUED else _("checking the config and the images")
    if any(counts[Kind.MERGE].values()):
        return _("putting the bundle together")
    if counts[Kind.FINETUNE][Step.DONE] == sum(counts[Kind.FINETUNE].values()):
        return _("maps and scores")
    return _("fine-tuning, maps and scores") if any(counts[Kind.CHUNK].values()) else _("fine-tuning")


def _stalled(build: Build, has_running: bool) -> str:
    """Why nobody does a build that is under way; "" where somebody does, or may."""
    if is_dead(build):
        return _("The process that did this build has ended. Try again: it goes on from what is finished.")
    if not build.is_under_way or build.host or has_running:
        return ""
    overdue = timezone.now() - timedelta(seconds=settings.BUILD_SILENT_SECONDS)
    waits = steps_of(build).filter(Q(state=Step.SENT) | Q(state=Step.WAITING, sent_at=None))
    oldest = waits.aggregate(since=Min(Coalesce("sent_at", "not_before")))["since"]
    seen = BuildStep.objects.filter(seen_at__gte=overdue).exists()
    if oldest is None or oldest > overdue or seen:
        return ""
    return _("No worker has been heard of for {seconds} s. Start one, or look whether the broker runs.").format(
        seconds=round((timezone.now() - oldest).total_seconds())
    )


def _timings(build: Build, counts: Mapping[str, Mapping[str, int]]) -> list[Timing]:
    rows = steps_of(build).order_by().values("kind")
    rows = rows.annotate(work=Sum("seconds"), begun=Min(Coalesce("started_at", "sent_at")), ended=Max("finished_at"))
    found = {row["kind"]: (row["begun"], row["ended"], row["work"]) for row in rows}
    timings = []
    for kind in Kind:
        states = counts[kind]
        begun, ended, work = found.get(kind, (None, None, None))
        is_done = 0 < states[Step.DONE] == sum(states.values())
        end = ended if is_done or not build.is_under_way else timezone.now()
        elapsed = None
        if isinstance(begun, datetime) and isinstance(end, datetime):
            elapsed = max((end - begun).total_seconds(), 0.0)
        timings.append(Timing(kind, str(kind.label), float(work or 0.0), elapsed, is_done))
    return timings
