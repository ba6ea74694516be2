"""The GPU worker whose steps take orders for faults: `celery --app tests.faults.build_worker worker --queues gpu`."""

import os

from attribution import tasks
from attribution.jobs.settings import make_bench
from attribution.worker import app
from tests.faults.build_orders import with_faults

__all__ = ["app"]

VISIBILITY = "HARMONY_TEST_VISIBILITY"

vars(tasks)["make_bench"] = with_faults(make_bench)
if VISIBILITY in os.environ:
    # Redis gives a step that takes longer than this to another worker as well.
    app.conf.broker_transport_options["visibility_timeout"] = int(os.environ[VISIBILITY])
