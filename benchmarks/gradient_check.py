"""The gradient check as a table: parameter gradients of fidelity + metric loss against float64 finite differences.

Every differentiable attributor with every learnable metric, on small networks with smooth functions after ReLUs,
BatchNorm with real statistics, and in-place, reused and functional ReLUs. A cell is the largest relative error over six
directions in parameter space, three of them in one parameter only. `attribution/tests/test_gradients.py` holds the same
numbers below its tolerance.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from attribution.tests import gradient_check
from benchmarks.table import print_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attributors", nargs="+", default=gradient_check.DIFFERENTIABLE)
    parser.add_argument("--metrics", nargs="+", default=gradient_check.LEARNABLE)
    parser.add_argument("--networks", nargs="+", default=list(gradient_check.NETWORKS))
    parser.add_argument("--out", type=Path, help="append the table to this file (Markdown)")
    options = parser.parse_args()
    rows = gradient_check.rows(options.attributors, options.metrics, options.networks)
    print_table("Gradient check: largest relative error", rows, out=options.out)


if __name__ == "__main__":
    main()
