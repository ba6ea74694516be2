import os
import shutil
from pathlib import Path

import pytest
import torch

from attribution.tests.small_run import write_small_run

# The networks of these tests are tiny: more threads only wait for each other. Processes started by tests inherit it.
os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def _small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small-run")
    write_small_run(folder)
    return folder


@pytest.fixture
def small_run(_small_run: Path, tmp_path: Path) -> Path:
    """A config with its pictures and network, in a folder of the test's own."""
    shutil.copytree(_small_run, tmp_path / "run")
    return tmp_path / "run" / "study.toml"
