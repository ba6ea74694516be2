import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from attribution.errors import InputError
from attribution.metrics import METRICS
from attribution.tests.small_networks import NoReLU, PlainReLU
from attribution.tests.small_tasks import changed, small_task, train
from attribution.trainers import TRAINERS
from attribution.trainers.ent import ENTTrainer, entropy
from attribution.trainers.rpl import RPLTrainer, generalised_cross_entropy

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.4, 0.3]], dtype=torch.float64)
both = pytest.mark.parametrize("name", ["rpl", "ent"])


class LayerAndGroupNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.group = nn.GroupNorm(2, 4)
        self.layer = nn.LayerNorm(4)
        self.plain = nn.LayerNorm(4, elementwise_affine=False)
        self.head = nn.Linear(4, 5)

    def forward(self, images: Tensor) -> Tensor:
        x = torch.relu(self.group(self.conv(images)))
        return self.head(self.plain(self.layer(x.mean(dim=(2, 3)))))  # type: ignore[no-any-return]


@pytest.mark.parametrize(("q", "expected"), [(0.8, 0.4240117), (1.0, 0.3945200)])
def test_rpl_of_two_answers(q: float, expected: float) -> None:
    assert float(generalised_cross_entropy(LOGITS, q)) == pytest.approx(expected, abs=1e-7)


def test_entropy_of_two_answers() -> None:
    assert float(entropy(LOGITS)) == pytest.approx(0.8097770, abs=1e-7)


def test_rpl_with_q_1_is_one_minus_the_largest_probability() -> None:
    assert float(generalised_cross_entropy(LOGITS, 1.0)) == pytest.approx(
        float(1 - LOGITS.softmax(dim=1).max(dim=1).values.mean())
    )


def test_rpl_with_a_small_q_is_the_cross_entropy_on_own_labels() -> None:
    expected = torch.nn.functional.cross_entropy(LOGITS, LOGITS.argmax(dim=1))
    assert float(generalised_cross_entropy(LOGITS, 1e-7)) == pytest.approx(float(expected), rel=1e-6)


def test_the_gradient_of_rpl_treats_the_label_as_given() -> None:
    """d/dz of (1 - p_y^q) / q is -p_y^q (onehot - p)."""
    logits = LOGITS[:1].clone().requires_grad_()
    generalised_cross_entropy(logits, 0.8).backward()
    p = LOGITS[0].softmax(dim=0)
    expected = -(p[0] ** 0.8) * (torch.tensor([1.0, 0.0, 0.0]) - p)
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad[0], expected)


def test_the_entropy_of_equal_logits_is_the_logarithm_of_the_number_of_classes() -> None:
    assert float(entropy(torch.zeros(2, 7))) == pytest.approx(math.log(7))


@both
def test_only_affine_parameters_of_normalisation_layers_change(name: str, tmp_path: Path) -> None:
    made = small_task()
    outcome = train(TRAINERS[name](), made, tmp_path / "c.pt")
    assert changed(made.original, outcome.network) == {"norm.weight", "norm.bias"}


@both
def test_layer_and_group_normalisation_are_adapted_too(name: str, tmp_path: Path) -> None:
    made = small_task(LayerAndGroupNorm, "conv")
    outcome = train(TRAINERS[name](), made, tmp_path / "c.pt")
    assert changed(made.original, outcome.network) == {"group.weight", "group.bias", "layer.weight", "layer.bias"}


@both
def test_a_network_without_normalisation_layers_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="has no BatchNorm, LayerNorm or GroupNorm"):
        TRAINERS[name]().rehearse(small_task(PlainReLU, "features.4"))


@both
def test_the_loss_falls(name: str, tmp_path: Path) -> None:
    history = train(TRAINERS[name](), small_task(steps=40, learning_rate=1e-2), tmp_path / "c.pt").selection.history
    assert history[-1]["self_learning_loss"] < history[0]["self_learning_loss"]


@both
def test_the_metric_has_no_say_in_the_weights(name: str, tmp_path: Path) -> None:
    digests = {
        metric: train(
            TRAINERS[name](), small_task(metric=METRICS[metric](), minimum_agreement=0), tmp_path / f"{metric}.pt"
        ).network.weights_digest()
        for metric in ("RMA", "Focus")
    }
    assert digests["RMA"] == digests["Focus"]


@both
def test_the_learning_rate_has_a_default(name: str, tmp_path: Path) -> None:
    digests = [
        train(TRAINERS[name](), small_task(learning_rate=rate), tmp_path / f"{rate}.pt").network.weights_digest()
        for rate in (None, 2.5e-4, 1e-3)
    ]
    assert digests[0] == digests[1] != digests[2]


@both
def test_published_settings_of_a_metric_are_not_those_of_self_learning(name: str) -> None:
    with pytest.raises(InputError, match=r"training\.preset.*drop preset"):
        TRAINERS[name]().rehearse(small_task(preset="published"))


@pytest.mark.parametrize("q", [0.0, -1.0, 1.5, math.nan])
def test_a_q_that_makes_no_sense_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="q: "):
        RPLTrainer(q=q)


def test_self_learning_needs_neither_a_learnable_metric_nor_a_differentiable_attributor() -> None:
    assert not RPLTrainer.uses_metric
    assert not ENTTrainer.uses_metric


def test_a_network_without_relu_can_be_refused_for_its_layers_only() -> None:
    with pytest.raises(InputError, match="no BatchNorm"):
        ENTTrainer().rehearse(small_task(NoReLU, "conv"))
