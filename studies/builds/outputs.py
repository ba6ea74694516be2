"""What steps leave in the storage, as far as the web side reads it."""

import json
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from attribution.errors import InputError
from attribution.shared_storage import checked_name
from studies.models import Build, BuildStep

LARGEST = 2**31 - 1
Number = Annotated[int, Field(ge=0, le=LARGEST)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Output = Annotated[str, Field(min_length=1, max_length=300)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Score = Annotated[float, Field(allow_inf_nan=False)] | None


class OutputError(ValueError):
    """An output is not what it should be; the message says which and why."""


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Task(_Read):
    """A step that can be done next."""

    step: Name
    output: Output
    arguments: dict[str, Any] = {}


class Chunk(Task):
    images: Number


class PlannedCondition(_Read):
    name: Name
    finetune: Task
    steps: Number = 0


class Plan(_Read):
    """What the first step found out: the conditions, and what there is to do."""

    run: Name
    conditions: Annotated[list[PlannedCondition], Field(min_length=1)]
    images: Number
    pairs: Number = 0
    chunks: Number = 0
    chunk_images: Number = 0
    device: str = ""
    seconds: Seconds | None = None
    dataset: dict[str, Any] = {}


class Finetuned(_Read):
    """How fine-tuning for a condition came out, and its chunks of images."""

    improved: bool = False
    before: Score = None
    after: Score = None
    agreement: Score = None
    step: int | None = None
    seconds: Seconds | None = None
    chunks: list[Chunk]


class Bundle(_Read):
    """The archive of the finished bundle."""

    bundle: Output
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]
    manifest: dict[str, Any]
    files_digest: str = ""


Read = TypeVar("Read", bound=_Read)


def read_output(kind: type[Read], content: bytes, name: str) -> Read:
    """Read an output. Raises OutputError."""
    try:
        found = kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OutputError(f"{name}: {where or 'content'}: {first['msg']}") from error
    # The database can store neither of these.
    if b"\\u0000" in content:
        raise OutputError(f"{name}: content: holds a null character")
    try:
        json.dumps(found.model_dump(), allow_nan=False)
    except ValueError as error:
        raise OutputError(f"{name}: content: holds a number that is none ({error})") from error
    return found


def checked_tasks(tasks: list[Task], folder: str, name: str) -> None:
    """Raise OutputError unless each of the steps has a name of its own, and its output lies in the folder."""
    if len({task.step for task in tasks}) != len(tasks):
        raise OutputError(f"{name}: steps: two have the same name")
    for task in tasks:
        try:
            checked_name(task.output)
        except InputError as error:
            raise OutputError(f"{name}: {task.step}: {error}") from error
        if not task.output.startswith(f"{folder}/"):
            raise OutputError(f"{name}: {task.step}: its output {task.output!r} is not below {folder}")


def new_step(build: Build, kind: str, task: Task, *, condition: str, images: int = 0, total: int = 0) -> BuildStep:
    return BuildStep(
        build=build,
        attempt=build.attempt,
        kind=kind,
        name=task.step,
        condition=condition,
        arguments=task.arguments,
        output=task.output,
        images=images,
        total=total,
    )
