"""The Celery worker of the offline module: Celery alone, no Django.

    CELERY_BROKER_URL=redis://127.0.0.1:6379/0 celery --app attribution.worker worker

A worker carries out one build at a time, for fine-tuning fills its device. For several devices start several workers,
each with its own ``CUDA_VISIBLE_DEVICES`` and ``--hostname``. Environment:

CELERY_BROKER_URL      where the tasks come from (required)
CELERY_RESULT_BACKEND  where states and results go (default: the broker, if it is Redis)
HARMONY_DEVICE         auto, cpu or cuda (default: auto)
"""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from celery import Celery
from celery.exceptions import ImproperlyConfigured

QUEUE = "gpu"

# Redis hands a task to another worker when it was not acknowledged in this time. Tasks are acknowledged when they are
# done, so this has to exceed the longest build, else it would be carried out twice at once. A build whose whole machine
# went down is therefore best enqueued anew, with resume.
VISIBILITY_SECONDS = 7 * 24 * 3600


def make_app(environ: Mapping[str, str]) -> Celery:
    """Return the worker's Celery app, configured from the environment variables above.

    Raises ``ImproperlyConfigured`` when the broker is missing, or cannot hold results and nothing else is named for
    them.
    """
    broker = environ.get("CELERY_BROKER_URL", "")
    if not broker:
        raise ImproperlyConfigured(
            "CELERY_BROKER_URL is not set. Set it to the broker the web side uses, such as redis://127.0.0.1:6379/0"
        )
    backend = environ.get("CELERY_RESULT_BACKEND", "")
    if not backend:
        scheme = urlsplit(broker).scheme
        if scheme.partition("+")[0] not in {"redis", "rediss"}:
            raise ImproperlyConfigured(
                f"CELERY_RESULT_BACKEND is not set and the broker ({scheme}) cannot hold results. "
                "Set it to a result store, such as redis://127.0.0.1:6379/0"
            )
        backend = broker
    # No fixups: with DJANGO_SETTINGS_MODULE in the environment Celery's own would load Django.
    app = Celery("attribution", broker=broker, backend=backend, include=["attribution.tasks"], fixups=[])
    app.conf.update(
        task_default_queue=QUEUE,
        task_track_started=True,
        # A task stays in the queue until it is done. When its process is killed it is tried again, and resumes.
        task_acks_late=True,
        task_retry_on_worker_lost=True,
        task_reject_on_worker_lost=True,
        worker_lost_wait=1.0,
        broker_transport_options={"visibility_timeout": VISIBILITY_SECONDS},
        broker_connection_retry_on_startup=True,
        worker_prefetch_multiplier=1,
        worker_concurrency=1,
        # A fresh process for each build gives its device memory back.
        worker_max_tasks_per_child=1,
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
    )
    return app


app = make_app(os.environ)
