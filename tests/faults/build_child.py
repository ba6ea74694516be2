"""The child of a local build whose steps take orders for faults: `python -m tests.faults.build_child --storage URL`."""

import sys

from attribution.jobs import local
from attribution.jobs.settings import make_bench
from tests.faults.build_orders import with_faults

if __name__ == "__main__":
    vars(local)["make_bench"] = with_faults(make_bench)
    local.work(sys.argv[2])
