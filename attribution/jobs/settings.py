"""What a worker's environment says, and the bench that carries out its steps."""

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from attribution.errors import InputError
from attribution.jobs.carrying_out import Bench
from attribution.jobs.telling import Send, Teller
from attribution.last_words import LastWords
from attribution.shared_storage import SharedStorage

if TYPE_CHECKING:
    from attribution.jobs.workshop import Workshop

DEVICES = ("auto", "cpu", "cuda")


def open_storage(environ: Mapping[str, str]) -> SharedStorage:
    """The storage that web side and workers share. InputError where its address is missing or cannot be used."""
    url = environ.get("HARMONY_BUILDS_URL", "")
    if not url:
        raise InputError(
            "HARMONY_BUILDS_URL is not set: set it to the storage of builds that the web side uses, such as "
            "s3://bucket/prefix or file:///folder"
        )
    return SharedStorage.open(url)


def check_environment(environ: Mapping[str, str]) -> SharedStorage:
    """The storage of builds, once all variables of `make_bench` are known to be of use. InputError otherwise."""
    device = environ.get("HARMONY_DEVICE", "auto")
    if device not in DEVICES:
        raise InputError(f"HARMONY_DEVICE={device!r}: use one of {', '.join(DEVICES)}")
    datasets = environ.get("HARMONY_DATASETS", "")
    if datasets and not Path(datasets).is_dir():
        raise InputError(f"HARMONY_DATASETS={datasets!r}: is no folder: name the folder of data sets on this machine")
    work_bytes(environ)
    return open_storage(environ)


def work_bytes(environ: Mapping[str, str]) -> float:
    """How many bytes the scratch folder may take. InputError where the variable is no number above 0."""
    told = environ.get("HARMONY_WORK_GIBIBYTES", "") or "100"
    try:
        gibibytes = float(told)
    except ValueError:
        gibibytes = 0.0
    if not gibibytes > 0:
        raise InputError(f"HARMONY_WORK_GIBIBYTES={told!r}: give the GiB that the scratch folder may take, such as 100")
    return gibibytes * 2**30


def work_folder(environ: Mapping[str, str]) -> Path:
    """The scratch folder of this machine's workers."""
    return Path(environ.get("HARMONY_WORK_DIR", "") or "var/work").resolve()


def make_bench(environ: Mapping[str, str], send: Send, *, slot: str, storage: SharedStorage | None = None) -> Bench:
    """The bench of a process. InputError where a variable is missing or cannot be used.

    HARMONY_BUILDS_URL  the storage of builds (required)
    HARMONY_DATASETS    folder that the paths of configs are relative to
    HARMONY_WORK_DIR    scratch folder of this machine's workers (default: var/work)
    HARMONY_DEVICE      auto, cpu or cuda (default: auto)
    HARMONY_WORK_GIBIBYTES  what the scratch folder may take (default: 100)
    """
    shared = check_environment(environ) if storage is None else storage
    work = work_folder(environ)

    def make() -> "Workshop":
        # torch takes seconds to load; a worker's parent process does without it.
        from attribution.jobs.workshop import Workshop

        return Workshop(
            shared,
            work,
            datasets=environ.get("HARMONY_DATASETS", ""),
            device=environ.get("HARMONY_DEVICE", "auto"),
            slot=slot,
            most=work_bytes(environ),
        )

    def is_cancelled(build: str, attempt: int) -> bool:
        return shared.exists(f"builds/{build}/cancelled-{attempt}")

    def steps() -> dict[str, Callable[..., None]]:
        from attribution.jobs.steps import STEPS

        return dict(STEPS)

    worker = f"{slot}/{socket.gethostname()}:{os.getpid()}"
    return Bench(make, Teller(send, worker, is_cancelled), steps, LastWords(work))
