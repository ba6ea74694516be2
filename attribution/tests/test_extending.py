"""The code of docs/extending.md, run as a user would run it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from attribution import pipeline
from attribution.errors import InputError
from attribution.progress import silent
from attribution.run import prepare
from attribution.tests.small_run import CONFIG

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@pytest.fixture
def own_run(small_run: Path) -> Path:
    """The page's file and config, in the place of the small run's own attributors and metrics."""
    (small_run.parent / "my_methods.py").write_text(block("python"))
    attributors, metrics = block("toml").split("\n\n", 1)
    text = CONFIG.replace('attributors = ["GradCAM", "GuidedBackprop"]', attributors)
    small_run.write_text(text[: text.index("[[metrics]]")] + metrics)
    return small_run


def build(config: Path, out: Path) -> Path:
    """In a process of its own: a module that was imported stays imported."""
    command = [sys.executable, "-m", "attribution", "build", str(config), "--out", str(out), "--device", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return out / "bundle"


def test_the_pages_methods_make_a_bundle(own_run: Path, tmp_path: Path) -> None:
    bundle = build(own_run, tmp_path / "out")
    conditions = json.loads((bundle / "manifest.json").read_text())["conditions"]
    assert [(entry["metric"], entry["attributor"], entry["trainer"]) for entry in conditions] == [
        ("Spread", "GradCAM", "head"),
        ("Spread", "GradientNorm", "head"),
    ]
    assert conditions[0]["direction"] == "lower"
    (checkpoint, _other) = sorted((tmp_path / "out" / "conditions").iterdir())
    trained = torch.load(checkpoint, weights_only=True)["student"]
    before = torch.load(own_run.parent / "network.pt", weights_only=True)["state_dict"]
    changed = {name for name, value in trained.items() if not torch.equal(value, before[name])}
    assert changed == {"head.weight", "head.bias"}


def test_a_changed_file_is_another_condition(own_run: Path, tmp_path: Path) -> None:
    build(own_run, tmp_path / "out")
    methods = own_run.parent / "my_methods.py"
    methods.write_text(methods.read_text().replace("1e-12", "1e-10"))
    out = str(tmp_path / "out")
    command = [sys.executable, "-m", "attribution", "finetune", str(own_run), "--out", out, "--resume"]
    subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
    assert len(list((tmp_path / "out" / "conditions").iterdir())) == 4


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        ("", "no_such_file:Spread", r"metrics\[0\]\.name: cannot import 'no_such_file'.*beside the config"),
        ("x = 1", "thin_methods:Thin", r"metrics\[0\]\.name: thin_methods has no class 'Thin'"),
        (
            "class Bare:\n    name = 'Bare'",
            "bare_methods:Bare",
            r"bare_methods:Bare lacks direction, draws, .*docs/extending\.md says what a metric has",
        ),
    ],
)
def test_a_method_that_is_none_is_refused(
    small_run: Path, tmp_path: Path, content: str, name: str, expected: str
) -> None:
    if content:
        (small_run.parent / f"{name.split(':')[0]}.py").write_text(content)
    small_run.write_text(small_run.read_text().replace('name = "RMA"', f'name = "{name}"'))
    with pytest.raises(InputError, match=expected):
        prepare(small_run, tmp_path / "out", resume=False, device="cpu", progress=silent)


def test_options_of_ones_own_are_checked(own_run: Path, tmp_path: Path) -> None:
    own_run.write_text(own_run.read_text().replace("power = 2.0", "power = -2.0"))
    with pytest.raises(InputError, match=r"attributors\[1\]\.options: GradientNorm does not take them: power: -2"):
        pipeline.finetune(own_run, tmp_path / "out", device="cpu")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (('direction: ClassVar[str] = "lower"', 'direction: ClassVar[str] = "down"'), r"Spread\.direction is 'down'"),
        (("return spread(explained.maps.double())", "return spread(explained.maps.double()).mean()"), r"of shape \(\)"),
    ],
    ids=["direction", "scores"],
)
def test_a_metric_that_cannot_be_scored_by_is_refused_before_training(
    own_run: Path, tmp_path: Path, change: tuple[str, str], expected: str
) -> None:
    methods = own_run.parent / "my_methods.py"
    assert change[0] in methods.read_text()
    methods.write_text(methods.read_text().replace(*change))
    with pytest.raises(InputError, match=expected):
        prepare(own_run, tmp_path / "out", resume=False, device="cpu", progress=silent)
