"""A fine-tuning that stops being finite ends with what to do about it, and leaves no such weights behind."""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from attribution import pipeline
from attribution.errors import InputError
from attribution.metrics import Explained
from attribution.metrics.rma import RMA
from attribution.tests.small_tasks import small_task, train
from attribution.trainers.fidelity import FidelityTrainer


@dataclass(frozen=True)
class InfiniteAtStepTwo(RMA):
    """RMA whose loss is infinite on its second call."""

    calls: tuple[int, ...] = ()

    def loss(self, explained: Explained) -> Tensor:
        object.__setattr__(self, "calls", (*self.calls, 1))
        return super().loss(explained) * (math.inf if len(self.calls) == 2 else 1)


@dataclass(frozen=True)
class WithoutASlope(RMA):
    """RMA plus the root of zero, whose slope has no bound."""

    def loss(self, explained: Explained) -> Tensor:
        return super().loss(explained) + (explained.maps.sum() * 0).sqrt()


def test_a_loss_that_is_not_finite_is_named_before_a_step_is_taken_with_it(tmp_path: Path) -> None:
    made = replace(small_task(metric=InfiniteAtStepTwo(), validate_every=1), name="Mine x GradCAM")
    with pytest.raises(
        InputError, match=r"Mine x GradCAM: step 2: the loss is not finite: lower training\.learning_ra"
    ):
        train(FidelityTrainer(), made, tmp_path / "c.pt")
    kept = torch.load(tmp_path / "c.pt", weights_only=True)
    assert kept["state"]["step"] == 1
    assert all(bool(value.isfinite().all()) for value in kept["student"].values())


def test_a_gradient_that_is_not_finite_is_found_at_the_rehearsal() -> None:
    with pytest.raises(InputError, match="RMA x GradCAM: step 1: the gradient is not finite"):
        FidelityTrainer().rehearse(small_task(metric=WithoutASlope()))


def test_weights_that_are_not_finite_are_never_kept(tmp_path: Path) -> None:
    made = small_task(learning_rate=1e39, steps=1, validate_every=1, minimum_agreement=0.0)
    with pytest.raises(InputError, match="step 1: the weights are not finite"):
        train(FidelityTrainer(), made, tmp_path / "c.pt")
    assert not (tmp_path / "c.pt").exists()


@pytest.mark.parametrize(("clip", "expected"), [(0.0, "infinite"), (1e30, "infinite"), (1e-3, "small")])
def test_a_gradient_clip_of_zero_is_none(clip: float, expected: str, tmp_path: Path) -> None:
    """Adam does not see a scale that stays, so one that changes from step to step tells: the first step is alike."""
    unlimited = train(FidelityTrainer(), small_task(gradient_clip=1e30), tmp_path / "unlimited.pt")
    found = train(FidelityTrainer(), small_task(gradient_clip=clip), tmp_path / "c.pt")
    same = found.network.weights_digest() == unlimited.network.weights_digest()
    assert same == (expected == "infinite")


def test_a_control_that_diverges_is_named_and_what_was_finished_is_gone_on_with(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = small_run.read_text().replace('["GradCAM", "GuidedBackprop"]', '["GradCAM"]')
    text = text[: text.index('[[metrics]]\nname = "Focus"')]
    control = (
        '[[metrics]]\nname = "RMA"\nlabel = "ctl"\ntraining = { trainer = "ent", learning_rate = 1e30, steps = 4 }\n'
    )
    small_run.write_text(text + control)
    with pytest.raises(InputError, match=r"ctl x GradCAM: step \d: .* is not finite"):
        pipeline.build(small_run, tmp_path / "out", device="cpu")
    small_run.write_text(text + control.replace("1e30", "1e-4"))
    finished = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "conditions").glob("rma-*.pt")}
    bundle = pipeline.build(small_run, tmp_path / "out", resume=True, device="cpu")
    conditions = json.loads((bundle / "manifest.json").read_text())["conditions"]
    assert [condition["metric"] for condition in conditions] == ["RMA", "ctl"]
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert len(finished) == 1
