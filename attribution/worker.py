"""The Celery worker of the offline module: Celery alone, no Django.

    CELERY_BROKER_URL=redis://127.0.0.1:6379/0 HARMONY_BUILDS_URL=file:///srv/builds \\
        celery --app attribution.worker worker --queues gpu --hostname gpu@%h

A worker carries out one step at a time, for a step fills its device. For several devices start several workers, each
with its own ``CUDA_VISIBLE_DEVICES`` and ``--hostname``. Environment:

CELERY_BROKER_URL      where the steps come from (required)
HARMONY_BUILDS_URL     the storage of builds, the same as the web side's (required)
HARMONY_DATASETS       folder that the paths of configs are relative to
HARMONY_WORK_DIR       scratch folder, shared by the workers of a machine (default: var/work)
HARMONY_WORK_GIBIBYTES what the scratch folder may take (default: 100)
HARMONY_DEVICE         auto, cpu or cuda (default: auto)
LOG_FORMAT             plain or json (default: plain)
"""

import os
import signal
from collections.abc import Mapping
from types import FrameType
from typing import Any

from celery import Celery
from celery.exceptions import ImproperlyConfigured
from celery.signals import worker_ready

from attribution.errors import InputError
from attribution.jobs.settings import check_environment
from attribution.worker_logs import log_as_asked
from attribution.worker_signs import show_signs

QUEUE = "gpu"

# Redis hands a task to another worker when it was not acknowledged in this time. Tasks are acknowledged when they are
# done, so this exceeds the longest fine-tuning. Nothing waits for it: the web side gives the step of a worker that went
# silent to another one after a minute, and whoever gets it again finds it done. Of all workers at a Redis the shortest
# time counts, so the web side's is the same.
VISIBILITY_SECONDS = 24 * 3600
# On SIGTERM a step may go on for so long; then it is given back.
SHUTDOWN_SECONDS = 8


def make_app(environ: Mapping[str, str]) -> Celery:
    """Return the worker's Celery app, configured from the environment variables above.

    Raises ``ImproperlyConfigured`` where one is missing or cannot be used.
    """
    broker = environ.get("CELERY_BROKER_URL", "")
    if not broker:
        raise ImproperlyConfigured(
            "CELERY_BROKER_URL is not set. Set it to the broker the web side uses, such as redis://127.0.0.1:6379/0"
        )
    try:
        log_as_asked(environ)
        check_environment(environ)
    except InputError as error:
        raise ImproperlyConfigured(str(error)) from error
    # No fixups: with DJANGO_SETTINGS_MODULE in the environment Celery's own would load Django.
    app = Celery("attribution", broker=broker, include=["attribution.tasks"], fixups=[])
    app.conf.update(
        task_default_queue=QUEUE,
        # What counts is what lies in the storage, and what the web side is told.
        task_ignore_result=True,
        # A step stays in the queue until it is done. When its process is killed it is tried again.
        task_acks_late=True,
        task_retry_on_worker_lost=True,
        task_reject_on_worker_lost=True,
        worker_lost_wait=1.0,
        worker_soft_shutdown_timeout=SHUTDOWN_SECONDS,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_SECONDS,
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
        },
        broker_connection_retry_on_startup=True,
        # As long as it takes: the machine with the broker may be away for a while.
        broker_connection_max_retries=None,
        worker_prefetch_multiplier=1,
        worker_concurrency=1,
        task_serializer="json",
        accept_content=["json"],
    )
    show_signs(app)
    _end_soon_on_sigterm(app)
    return app


def _end_soon_on_sigterm(app: Celery) -> None:
    """Let SIGTERM do what SIGQUIT does: Celery's own waits for a step, which is lost when whoever asked kills it."""

    def end(number: int, frame: FrameType | None) -> None:
        # Celery changes it: who asks a second time does not want to wait.
        handler = signal.getsignal(signal.SIGQUIT)
        if callable(handler):
            handler(number, frame)

    def install(sender: Any = None, **_: object) -> None:
        if sender is not None and sender.app is app:
            signal.signal(signal.SIGTERM, end)

    worker_ready.connect(install, weak=False)


app = make_app(os.environ)
