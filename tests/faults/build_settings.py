"""The site's settings with little patience for builds, so that tests do not wait for minutes."""

import os
import sys

from harmony_app.settings import *  # noqa: F403

BUILD_SILENT_SECONDS = float(os.environ.get("HARMONY_TEST_SILENT", "12"))
BUILD_UNSENT_SECONDS = 3.0
BUILD_LOOK_SECONDS = 3.0
BUILD_TICK_SECONDS = 1.0
BUILD_CHILD = [sys.executable, "-m", "tests.faults.build_child"]
CELERY_BEAT_SCHEDULE = {
    "builds": {
        "task": "studies.builds.tick",
        "schedule": BUILD_TICK_SECONDS,
        "options": {"expires": BUILD_TICK_SECONDS},
    }
}
