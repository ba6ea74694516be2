"""What holds for every trainer of the registry."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from attribution.networks import Network
from attribution.tests.small_networks import SmoothAfterReLU
from attribution.tests.small_tasks import changed, small_task, train
from attribution.trainers import TRAINERS, selection
from attribution.trainers.loop import Plan, StepLoss, take_step

every_trainer = pytest.mark.parametrize("name", TRAINERS)


def _hooks(module: nn.Module) -> int:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    on_tensors = sum(len(parameter._backward_hooks or ()) for parameter in module.parameters())
    return on_tensors + sum(len(getattr(child, kind)) for child in module.modules() for kind in kinds)


@every_trainer
@pytest.mark.parametrize("attributor", ["GradCAM", "GuidedBackprop"])
def test_training_leaves_no_hooks_gradients_or_extra_parameters(name: str, attributor: str, tmp_path: Path) -> None:
    made = small_task(attributor=attributor)
    module = train(TRAINERS[name](), made, tmp_path / "c.pt").network.module
    for each in (module, made.original.module):
        assert _hooks(each) == 0
        assert [parameter.requires_grad for parameter in each.parameters()] == [True] * 12
        assert all(parameter.grad is None for parameter in each.parameters())
        assert not each.training
    SmoothAfterReLU().load_state_dict(module.state_dict(), strict=True)


@every_trainer
def test_training_leaves_the_original_alone(name: str, tmp_path: Path) -> None:
    made = small_task()
    before = made.original.weights_digest()
    outcome = train(TRAINERS[name](), made, tmp_path / "c.pt")
    assert made.original.weights_digest() == before != outcome.network.weights_digest()


@pytest.mark.parametrize("name", [name for name in TRAINERS if name != "randomised"])
def test_training_keeps_the_statistics_of_batchnorm(name: str, tmp_path: Path) -> None:
    made = small_task()
    outcome = train(TRAINERS[name](), made, tmp_path / "c.pt")
    assert not changed(made.original, outcome.network) & {"norm.running_mean", "norm.running_var"}
    assert int(outcome.network.module.norm.num_batches_tracked) == 0  # type: ignore[union-attr, arg-type]


@every_trainer
@pytest.mark.parametrize("stop_after", [-1, 5, 11])
def test_an_interrupted_training_resumes_to_the_same_weights(name: str, stop_after: int, tmp_path: Path) -> None:
    whole = train(TRAINERS[name](), small_task(), tmp_path / "whole.pt")
    if TRAINERS[name] is TRAINERS["randomised"] and stop_after > 0:
        stop_after = -1  # it takes no steps
    with pytest.raises(KeyboardInterrupt):
        train(TRAINERS[name](), small_task(), tmp_path / "cut.pt", stop_after=stop_after)
    resumed = train(TRAINERS[name](), small_task(), tmp_path / "cut.pt")
    assert resumed.network.weights_digest() == whole.network.weights_digest()
    assert replace(resumed.selection, seconds=0) == replace(whole.selection, seconds=0)


@every_trainer
def test_a_finished_training_is_read_not_repeated(name: str, tmp_path: Path) -> None:
    first = train(TRAINERS[name](), small_task(), tmp_path / "c.pt")
    again = train(TRAINERS[name](), small_task(), tmp_path / "c.pt", stop_after=-2)  # any report would raise
    assert again.network.weights_digest() == first.network.weights_digest()


@every_trainer
def test_rehearsing_changes_nothing(name: str) -> None:
    made = small_task()
    before, state = made.original.weights_digest(), torch.random.get_rng_state()
    TRAINERS[name]().rehearse(made)
    assert made.original.weights_digest() == before
    assert bool((torch.random.get_rng_state() == state).all())


@pytest.mark.parametrize("name", [name for name, made in TRAINERS.items() if made.control])
def test_a_control_brings_back_its_last_faithful_checkpoint_whatever_its_score(name: str, tmp_path: Path) -> None:
    selection = train(TRAINERS[name](), small_task(minimum_agreement=0.0), tmp_path / "c.pt").selection
    assert selection.step == selection.history[-1]["step"]
    assert selection.after == selection.history[-1]["validation"]
    assert selection.improved == (selection.after > selection.before)


@pytest.mark.parametrize("name", ["fidelity_only", "rpl", "ent"])
def test_where_a_metric_is_defined_has_no_say_in_a_controls_weights(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the second validation on the metric is undefined on most images."""
    scores, calls = selection.validation_scores, [0]

    def vanishing(*arguments: Any) -> np.ndarray:
        calls[0] += 1
        found = scores(*arguments).copy()
        found[: 15 if calls[0] > 1 else 0] = np.nan
        return found

    monkeypatch.setattr(selection, "validation_scores", vanishing)
    made = train(TRAINERS[name](), small_task(learning_rate=1e-5), tmp_path / "c.pt").selection
    assert made.step == 12


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_a_step_moves_each_weight_against_its_own_gradient_however_that_lies_in_memory(clip: float) -> None:
    """Gradients come with strides of their own, and one tensor may be the gradient of two parameters."""
    task = small_task(learning_rate=1e-3, gradient_clip=clip)
    student = task.original.copy()
    head, hidden = student.module.head, student.module.hidden
    assert isinstance(head, nn.Linear)
    assert isinstance(hidden, nn.Linear)
    weight, bias, other = head.weight, head.bias, hidden.bias
    wanted = torch.randn(weight.shape[::-1], generator=torch.Generator().manual_seed(2))

    def loss(_student: Network, _step: int) -> StepLoss:
        total = (weight.t() * wanted).sum() + (bias.sum() - other.sum()) * 3
        return StepLoss(total, {})

    trained = [*head.parameters(), *list(hidden.parameters())[1:]]
    assert torch.autograd.grad(loss(student, 0).total, weight)[0].stride() != weight.stride(), "the test needs this"
    before = [parameter.detach().clone() for parameter in trained]
    optimizer = torch.optim.Adam(trained, lr=1e-3, fused=True)
    take_step(task, Plan(loss=loss, learning_rate=1e-3, steps=1), student, trained, optimizer, 0)
    expected = [-1e-3 * wanted.t().sign(), torch.full_like(bias, -1e-3), torch.full_like(other, 1e-3)]
    for parameter, start, move in zip(trained, before, expected, strict=True):
        torch.testing.assert_close(parameter.detach() - start, move, atol=1e-6, rtol=1e-3)
