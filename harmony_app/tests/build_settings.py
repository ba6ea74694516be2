"""Settings of a site whose local builds are done by the stand-in."""

import sys

from harmony_app.settings import *  # noqa: F403

BUILD_CHILD = [sys.executable, "-m", "studies.tests.build_worker"]
