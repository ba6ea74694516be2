"""The web side's worker for tests of builds: `celery --app tests.faults.build_web worker --queues default,reports`.

What failed is tried again sooner. While the folder of faults holds a file

- `twice`, each step is sent twice,
- `unpack_bundle` or `_load`, the import has no room for files while it unpacks a bundle, or copies its pictures,
- `imports-wait`, a second try of an import waits until the file is gone.
"""

import os
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import django

django.setup()

from celery.signals import after_task_publish  # noqa: E402

from harmony_app.celery import app  # noqa: E402
from studies.builds import importing, steps  # noqa: E402
from studies.services import imports  # noqa: E402
from tests.faults.build_orders import FOLDER, WAITS  # noqa: E402

__all__ = ["app"]

steps.WAITS = (1, 2, 2)
AGAIN = "sent_twice"
NO_ROOM = 1000


def _is_ordered(fault: str) -> bool:
    return (Path(os.environ[FOLDER]) / fault).exists()


def _without_room(fault: str, part: Callable[..., Any], *arguments: Any) -> Any:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (NO_ROOM if _is_ordered(fault) else soft, hard))
    try:
        return part(*arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


for name in ("unpack_bundle", "_load"):
    vars(imports)[name] = partial(_without_room, name, vars(imports)[name])


def _in_turn(make_folder: Callable[..., Any], *arguments: Any) -> Any:
    tried = Path(os.environ[FOLDER]) / "import-tried"
    if _is_ordered(WAITS) and not tried.exists():
        tried.touch()
    else:
        while _is_ordered(WAITS):
            time.sleep(0.05)
    return make_folder(*arguments)


# What every try begins with, while it gives signs of life.
vars(importing)["_folder"] = partial(_in_turn, vars(importing)["_folder"])


@after_task_publish.connect(weak=False)
def _send_again(sender: str = "", headers: Any = None, body: Any = None, routing_key: str = "", **_: object) -> None:
    if sender.startswith("attribution.") and AGAIN not in headers and _is_ordered("twice"):
        app.send_task(sender, kwargs=body[1], queue=routing_key, headers={AGAIN: True}, ignore_result=True)
