"""What a worker's new process loads before its first chunk: torch, and nothing that takes as long again."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from attribution.folding import foldable
from attribution.progress import silent
from attribution.run import look_at
from attribution.tests.small_networks import SmoothAfterReLU
from attribution.tests.steps import SmallBuild

# What torch loads when it is to compile, and what other tests of this folder use.
HEAVY = (
    "torch._dynamo",
    "torch._inductor",
    "sympy",
    "torchvision",
    "captum",
    "scipy",
    "pandas",
    "matplotlib",
    "skimage",
)

CHUNK = """
import json, sys, torch
from attribution.jobs.settings import make_bench
from attribution.shared_storage import SharedStorage

told = json.load(sys.stdin)
events = []
settings = {"HARMONY_DEVICE": "cpu", "HARMONY_WORK_DIR": told["work"]}
bench = make_bench(settings, events.extend, slot="cold", storage=SharedStorage.open(told["storage"]))
bench.carry_out("chunk", build=told["build"], attempt=1, step="chunk", output=told["output"], **told["arguments"])
bench.teller.close()
print(json.dumps({
    "state": events[-1]["state"],
    "loaded": [name for name in told["heavy"] if name in sys.modules],
    "deterministic": torch.get_deterministic_debug_mode(),
}))
"""


def test_the_first_chunk_of_a_process_loads_neither_a_compiler_nor_packages_for_reports(
    small_run: Path, tmp_path: Path
) -> None:
    build = SmallBuild(small_run, tmp_path)
    bench = build.bench()
    chunk = next(build.finetuned(bench, build.plan(bench)))["chunks"][0]
    asked = {
        "work": str(tmp_path / "another-machine"),
        "storage": build.storage.address,
        "build": build.events[0]["build"],
        "output": chunk["output"],
        "arguments": chunk["arguments"],
        "heavy": HEAVY,
    }
    done = subprocess.run(
        [sys.executable, "-c", CHUNK], input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=300
    )
    told = json.loads(done.stdout)
    # Operations that are not deterministic are still warned of.
    assert told == {"state": "done", "loaded": [], "deterministic": 1}
    assert build.storage.exists(chunk["output"])


def test_where_a_network_is_compiled_its_kernels_are_deterministic(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch._inductor.config as compiling

    monkeypatch.setattr(compiling, "deterministic", False)
    look_at(small_run, tmp_path / "out", device="cpu", progress=silent)
    assert compiling.deterministic


@pytest.mark.parametrize("compiled", [False, True], ids=["plain", "compiled"])
def test_batchnorm_of_a_compiled_network_is_found_as_that_of_a_plain_one(compiled: bool) -> None:
    module = SmoothAfterReLU().eval()
    images = torch.zeros(2, 3, 16, 16)
    looked_at: Any = torch.compile(module, backend="eager") if compiled else module
    assert len(foldable(looked_at, images, module.third)) == len(foldable(module, images, module.third)) == 1
