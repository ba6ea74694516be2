"""A build that is killed at exact points, by a signal that no code can catch, and resumed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from attribution import pipeline

# Loaded by Python itself at the start of the child process, whose own code stays as it is.
SITECUSTOMIZE = """
import os, signal, sys

file, function, what, count = os.environ["KILL_AT"].split("|")
left = int(count)

def watch(frame, event, _argument):
    global left
    code = frame.f_code
    if event == "call" and code.co_name == function and code.co_filename.endswith(file):
        if what in str(frame.f_locals.get("what", "")):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

sys.setprofile(watch)
"""


class Point(NamedTuple):
    """The `nth` call of a function of a file (of any, if empty); where it reports progress, of progress on `what`."""

    file: str
    function: str
    what: str
    nth: int


# In the order in which a resumed build reaches them. RMA is validated at steps 3 and 6, the others at 2 and 4.
POINTS = {
    "at the first step": Point("attribution/cli.py", "__call__", "RMA x GradCAM: fine-tuning", 1),
    "between validations": Point("attribution/cli.py", "__call__", "RMA x GradCAM: fine-tuning", 6),
    "between a store's files": Point("attribution/map_store.py", "_created", "", 2),
    "while maps are stored": Point("numpy/_core/memmap.py", "flush", "", 2),
    "while a checkpoint is written": Point("torch/serialization.py", "_save", "", 2),
    "while scores are made": Point("attribution/cli.py", "__call__", "Focus x GradCAM: scoring", 3),
    "in a control's fine-tuning": Point("attribution/cli.py", "__call__", "Control x GradCAM: fine-tuning", 4),
    "while pairs are written": Point("attribution/cli.py", "__call__", "Focus x GradCAM: pairs", 2),
    "while maps are removed": Point("", "unlink", "", 3),
    "before the bundle is moved into place": Point("attribution/bundle.py", "finish", "", 1),
}
CONTROL = """
[[metrics]]
name = "RMA"
label = "Control"
training = { trainer = "fidelity_only", learning_rate = 1e-3, steps = 4, validate_every = 2, minimum_agreement = 0.5 }
"""


def write_run(config: Path) -> Path:
    text = config.read_text().replace('["GradCAM", "GuidedBackprop"]', '["GradCAM"]')
    config.write_text(text.replace("steps = 6, validate_every = 2", "steps = 6, validate_every = 3") + CONTROL)
    return config


def build(
    config: Path, out: Path, hooks: Path, kill_at: Point | None, *options: str
) -> "subprocess.CompletedProcess[str]":
    environment = dict(os.environ)
    if kill_at is not None:
        hooks.mkdir(exist_ok=True)
        (hooks / "sitecustomize.py").write_text(SITECUSTOMIZE)
        path = [str(hooks), *filter(None, [environment.get("PYTHONPATH")])]
        environment |= {"KILL_AT": "|".join(map(str, kill_at)), "PYTHONPATH": os.pathsep.join(path)}
    command = [
        sys.executable,
        "-m",
        "attribution",
        "build",
        str(config),
        "--out",
        str(out),
        "--device",
        "cpu",
        *options,
    ]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False, env=environment)


def bundle_files(out: Path) -> dict[str, bytes]:
    """All but the manifest, which holds times."""
    bundle = out / "bundle"
    return {
        str(path.relative_to(bundle)): path.read_bytes()
        for path in sorted(bundle.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


def manifest(out: Path) -> dict[str, Any]:
    """The manifest without times."""
    content: dict[str, Any] = json.loads((out / "bundle" / "manifest.json").read_text())
    del content["created"]
    for condition in content["conditions"]:
        del condition["seconds"]
    return content


def checkpoints(out: Path) -> dict[str, Any]:
    """What every checkpoint holds, tensors as bytes, without times."""
    found = {}
    for path in sorted((out / "conditions").glob("*.pt")):
        content = torch.load(path, weights_only=True)
        del content["state"]["seconds"]
        found[path.name] = _plain(content)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.numpy().tobytes()
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def assert_equal(out: Path, whole: Path) -> None:
    assert checkpoints(out) == checkpoints(whole)
    assert bundle_files(out) == bundle_files(whole)
    assert manifest(out) == manifest(whole)


@pytest.fixture(scope="module")
def whole(_small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing interrupted."""

    folder = tmp_path_factory.mktemp("whole")
    shutil.copytree(_small_run, folder / "run")
    config = write_run(folder / "run" / "study.toml")
    pipeline.build(config, folder / "out", device="cpu")
    return folder / "out"


def test_a_build_killed_again_and_again_resumes_to_the_same_weights_and_bundle(
    small_run: Path, whole: Path, tmp_path: Path
) -> None:
    """Every resumed build is killed at the next point; the last one is left to end."""
    write_run(small_run)
    out = tmp_path / "out"
    options: tuple[str, ...] = ()
    for where, point in POINTS.items():
        killed = build(small_run, out, tmp_path / "hooks", point, *options)
        assert (where, killed.returncode) == (where, -signal.SIGKILL), killed.stderr
        assert not (out / "bundle").exists(), where
        options = ("--resume",)
    finished = build(small_run, out, tmp_path / "hooks", None, "--resume")
    assert finished.returncode == 0, finished.stderr
    assert_equal(out, whole)


def test_a_build_killed_once_resumes_to_the_same_weights_and_bundle(
    small_run: Path, whole: Path, tmp_path: Path
) -> None:
    write_run(small_run)
    killed = build(small_run, tmp_path / "out", tmp_path / "hooks", POINTS["between validations"])
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    finished = build(small_run, tmp_path / "out", tmp_path / "hooks", None, "--resume")
    assert finished.returncode == 0, finished.stderr
    assert_equal(tmp_path / "out", whole)
