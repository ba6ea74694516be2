"""Which steps come next: outputs of finished steps are read, and become further steps.

The storage is read without a lock, as it may be slow; what was read is written under the lock, and only by whoever
comes first. So this may be called by anybody at any time, and goes on from whatever is there.
"""

import logging
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from studies.builds.log import line_write
from studies.builds.outputs import (
    Bundle,
    Chunk,
    Finetuned,
    OutputError,
    Plan,
    PlannedCondition,
    Task,
    checked_tasks,
    new_step,
    read_output,
)
from studies.builds.steps import (
    Kind,
    State,
    Step,
    add_steps,
    build_begin,
    build_fail,
    lock_build,
    step_done,
    steps_lose,
    steps_of,
)
from studies.builds.storage import STORAGE_ERRORS, bundle_name, folder_of, open_storage, plan_name, stored_of
from studies.models import Build, BuildStep
from studies.models.builds import UNDER_WAY

logger = logging.getLogger(__name__)

IMPORT_STEP = "import"
MISSING = "it was said to be done, and its output is not in the storage"


def first_step(build: Build) -> BuildStep:
    """The step that a new attempt begins with."""
    return new_step(build, Kind.PLAN, Task(step="plan", output=plan_name(build)), condition="")


def build_advance(build: Build) -> Build | None:
    """Add every step that can be added by now; returns the build as it is then, None where the attempt has ended.

    Where the storage cannot be reached everything stays as it is.
    """
    now = Build.objects.filter(pk=build.pk, attempt=build.attempt, state__in=UNDER_WAY)
    while (present := now.first()) is not None:
        try:
            if not _advance(present):
                return present
        except OutputError as error:
            build_fail(present, f"{error}\nThis is a fault of the program, or somebody changed the storage.")
        except STORAGE_ERRORS as error:
            logger.warning("build %s: the storage cannot be read: %s", present.key, error)
            return present
    return None


def _advance(build: Build) -> bool:
    """Take one stride; False where nothing can be added."""
    if build.state == State.IMPORTING:
        return False
    if not build.plan:
        return _plan(build)
    return _finetuned(build) or _merge(build) or _import(build)


def _plan(build: Build) -> bool:
    step = steps_of(build).filter(kind=Kind.PLAN, state=Step.DONE).first()
    content = None if step is None else _content(build, step)
    if step is None or content is None:
        return False
    plan = read_output(Plan, content, step.output)
    tasks = [condition.finetune for condition in plan.conditions]
    checked_tasks(tasks, f"runs/{plan.run}", step.output)
    if len({condition.name for condition in plan.conditions}) != len(tasks):
        raise OutputError(f"{step.output}: conditions: two have the same name")
    stored = stored_of({task.output for task in tasks})
    with transaction.atomic():
        locked = lock_build(build)
        if locked is None or locked.plan:
            return True
        build_begin(locked)
        locked.plan = plan.model_dump(mode="json")
        locked.save(update_fields=["plan"])
        add_steps(locked, (_finetune(locked, condition) for condition in plan.conditions), stored)
        if stored:
            line_write(build=locked, text=f"{len(stored)} of {len(tasks)} conditions were fine-tuned already")
    return True


def _finetune(build: Build, condition: PlannedCondition) -> BuildStep:
    return new_step(build, Kind.FINETUNE, condition.finetune, condition=condition.name, total=condition.steps)


def _finetuned(build: Build) -> bool:
    """Add the chunks of the conditions that were fine-tuned since."""
    waiting = [condition["name"] for condition in build.plan["conditions"] if "result" not in condition]
    if not waiting:
        return False
    done = steps_of(build).filter(kind=Kind.FINETUNE, state=Step.DONE, condition__in=waiting)
    results: dict[str, Finetuned] = {}
    for step in done:
        content = _content(build, step)
        if content is None:
            continue
        results[step.condition] = result = read_output(Finetuned, content, step.output)
        checked_tasks(list(result.chunks), f"runs/{build.plan['run']}", step.output)
    if not results:
        return False
    chunks = [chunk for result in results.values() for chunk in result.chunks]
    stored = stored_of({chunk.output for chunk in chunks})
    with transaction.atomic():
        locked = lock_build(build)
        if locked is None:
            return True
        for condition in locked.plan["conditions"]:
            if "result" in condition or condition["name"] not in results:
                continue
            result = results[condition["name"]]
            condition["result"] = _result(result)
            add_steps(locked, (_chunk(locked, condition["name"], chunk) for chunk in result.chunks), stored)
        locked.save(update_fields=["plan"])
        if stored:
            line_write(build=locked, text=f"{len(stored)} of {len(chunks)} chunks of images were there already")
    return True


def _chunk(build: Build, condition: str, chunk: Chunk) -> BuildStep:
    return new_step(build, Kind.CHUNK, chunk, condition=condition, images=chunk.images, total=chunk.images)


def _result(result: Finetuned) -> Mapping[str, Any]:
    told = result.model_dump(mode="json", exclude={"chunks"})
    return {**told, "chunks": len(result.chunks), "images": sum(chunk.images for chunk in result.chunks)}


def _merge(build: Build) -> bool:
    """Have the bundle put together once every chunk is in the storage."""
    if any("result" not in condition for condition in build.plan["conditions"]):
        return False
    steps = steps_of(build)
    if steps.filter(kind=Kind.MERGE).exists() or steps.exclude(state=Step.DONE).exists():
        return False
    outputs = set(steps.filter(kind=Kind.CHUNK).values_list("output", flat=True))
    missing = outputs - stored_of(outputs)
    with transaction.atomic():
        locked = lock_build(build)
        if locked is None:
            return True
        if missing:
            lost = steps_of(locked).filter(kind=Kind.CHUNK, state=Step.DONE)
            steps_lose(locked, [step for step in lost if step.output in missing], MISSING)
            return False
        merge = Task(step="merge", output=bundle_name(locked))
        add_steps(locked, [new_step(locked, Kind.MERGE, merge, condition="")], set())
    return True


def _import(build: Build) -> bool:
    step = steps_of(build).filter(kind=Kind.MERGE, state=Step.DONE).first()
    content = None if step is None else _content(build, step)
    if step is None or content is None:
        return False
    bundle = read_output(Bundle, content, step.output)
    checked_tasks([Task(step=IMPORT_STEP, output=bundle.bundle)], folder_of(build), step.output)
    with transaction.atomic():
        locked = lock_build(build)
        if locked is None or locked.state == State.IMPORTING:
            return True
        locked.state, locked.manifest = State.IMPORTING, bundle.manifest
        locked.save(update_fields=["state", "manifest"])
        task = Task(step=IMPORT_STEP, output=bundle.bundle, arguments={"sha256": bundle.sha256, "size": bundle.size})
        add_steps(locked, [new_step(locked, Kind.IMPORT, task, condition="")], set())
    return True


def _content(build: Build, step: BuildStep) -> bytes | None:
    """The output of a step that was said to be done; None where it is not there, and the step is then done again."""
    try:
        return open_storage().read(step.output)
    except FileNotFoundError:
        with transaction.atomic():
            locked = lock_build(build)
            lost = steps_of(build).filter(pk=step.pk, state=Step.DONE)
            if locked is not None:
                steps_lose(locked, list(lost), MISSING)
        return None


def build_look(build: Build) -> int:
    """Mark the steps as done whose outputs are in the storage; returns how many were not known to be.

    Raises OSError where the storage is down.
    """
    steps = steps_of(build).exclude(state=Step.DONE).exclude(kind=Kind.IMPORT)
    outputs = dict(steps.values_list("output", "pk"))
    found = [outputs[name] for name in stored_of(set(outputs))]
    if not found:
        return 0
    with transaction.atomic():
        locked = lock_build(build)
        if locked is None:
            return 0
        changed = step_done(steps_of(locked).filter(output__in=list(outputs), pk__in=found))
        line_write(build=locked, text=f"{changed} steps of which nothing was heard are done")
    logger.info("build %s: %s steps were found done at %s", build.key, changed, timezone.now())
    return changed
