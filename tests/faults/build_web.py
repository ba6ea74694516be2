"""The web side's worker for tests of builds: `celery --app tests.faults.build_web worker --queues default,reports`.

What failed is tried again sooner, and while the folder of faults holds a file `twice`, each step is sent twice.
"""

import os
from pathlib import Path
from typing import Any

import django

django.setup()

from celery.signals import after_task_publish  # noqa: E402

from harmony_app.celery import app  # noqa: E402
from studies.builds import steps  # noqa: E402
from tests.faults.build_orders import FOLDER  # noqa: E402

__all__ = ["app"]

steps.WAITS = (1, 2, 2)
AGAIN = "sent_twice"


@after_task_publish.connect(weak=False)
def _send_again(sender: str = "", headers: Any = None, body: Any = None, routing_key: str = "", **_: object) -> None:
    if sender.startswith("attribution.") and AGAIN not in headers and (Path(os.environ[FOLDER]) / "twice").exists():
        app.send_task(sender, kwargs=body[1], queue=routing_key, headers={AGAIN: True}, ignore_result=True)
