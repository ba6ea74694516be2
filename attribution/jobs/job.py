"""What a build is about, as it lies in the shared storage, and what a config of strangers may ask for."""

import json
from dataclasses import dataclass
from pathlib import Path

from attribution.config import RunConfig, parse_config, training_for
from attribution.errors import InputError
from attribution.jobs.telling import Cancelled
from attribution.shared_storage import SharedStorage

FORMAT = "harmony-job/1"


@dataclass(frozen=True)
class Job:
    """A build's config: its text, the name of its file, the folder of its relative paths, and whether it is trusted.

    One that is not trusted may read nothing outside the worker's folder of data sets, and name no code.
    """

    name: str
    text: str
    base: str
    trusted: bool


class LateJobError(OSError):
    """An earlier attempt was slow to write its job; it is written again before the step is tried again."""


def read_job(storage: SharedStorage, build: str, attempt: int) -> Job:
    """The job of an attempt at a build. Raises InputError if there is none, or if a newer program has written it.

    LateJobError where it is an earlier attempt's, and Cancelled where it is a later one's.
    """
    name = f"builds/{build}/job.json"
    try:
        content = json.loads(storage.read(name))
    except FileNotFoundError as error:
        raise InputError(
            f"{name}: is not in {storage.address}: give web side and workers the same HARMONY_BUILDS_URL"
        ) from error
    if content.get("format") != FORMAT:
        raise InputError(f'{name}: format is "{content.get("format")}": this worker reads {FORMAT}: update it')
    # A web side of before does not say.
    written = content.get("attempt", attempt)
    if written > attempt:
        raise Cancelled
    if written < attempt:
        raise LateJobError(f"{name}: is that of attempt {written}, which was slow to write it, and not of {attempt}")
    return Job(content["name"], content["config"], content["base"], content["trusted"])


def config_of(job: Job, datasets: str) -> tuple[RunConfig, Path]:
    """The config with its paths made absolute, and the folder that they were relative to.

    `datasets` is the worker's folder of data sets, "" for none. InputError with the file, the key and the remedy.
    """
    if not job.base and not datasets:
        raise InputError(
            f"{job.name}: this worker has no folder of data sets: set HARMONY_DATASETS to the folder that the paths of "
            "configs are relative to"
        )
    folder = Path(job.base or datasets).resolve()
    if not job.trusted:
        _refuse_code(parse_config(job.text, job.name), job.name)
    config = parse_config(job.text, job.name, folder)
    if not job.trusted:
        _refuse_outside(config, folder, job.name)
    return config, folder


def _refuse_code(config: RunConfig, where: str) -> None:
    """InputError where a config names Python code, or variables of the worker's environment."""
    named = [(f"attributors[{number}].name", each.name) for number, each in enumerate(config.attributors)]
    for number, metric in enumerate(config.metrics):
        at = f"metrics[{number}]"
        named.append((f"{at}.name", metric.name))
        named.append((f"{at}.training.trainer", metric.training.trainer))
        for attributor in metric.training_for:
            trainer = training_for(metric, attributor, where).trainer
            named.append((f"{at}.training_for.{attributor}.trainer", trainer))
    for key, name in named:
        if ":" in name:
            raise InputError(f"{where}: {key}: {name!r} is code of its own, which {_TRUSTED}")
    for number, network in enumerate(config.networks):
        at = f"networks[{number}]"
        for key, value in [("spec", network.spec), *network.arguments.items()]:
            if str(value).startswith("import:"):
                raise InputError(f"{where}: {at}.{key}: {value!r} is code of its own, which {_TRUSTED}")
    for key, path in _paths(config):
        if "$" in path or path.startswith("~"):
            raise InputError(f"{where}: {key}: {path!r} has a variable in it, which {_TRUSTED}: write the path out")


_TRUSTED = "only a build that was started with `manage.py queue_build` may have"


def _refuse_outside(config: RunConfig, folder: Path, where: str) -> None:
    for key, path in _paths(config):
        if not Path(path).is_relative_to(folder):
            raise InputError(
                f"{where}: {key}: leads out of the workers' folder of data sets: write the path relative to that folder"
            )
    subset = config.dataset.subset or ""
    if Path(subset).name != subset:
        # The list's lines would be told in errors.
        raise InputError(f"{where}: dataset.subset: {subset!r} is a path: give the name of one of the data set's lists")


def _paths(config: RunConfig) -> list[tuple[str, str]]:
    """Every path of a config, by its key."""
    found = [(f"dataset.{key}", str(value)) for key, value in vars(config.dataset).items() if isinstance(value, Path)]
    for number, network in enumerate(config.networks):
        if network.spec.startswith("file:"):
            found.append((f"networks[{number}].spec", network.spec.removeprefix("file:")))
    return found
