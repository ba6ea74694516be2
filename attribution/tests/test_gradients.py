"""The gradient of the whole loss against finite differences, for differentiable attributors and learnable metrics."""

from dataclasses import replace

import pytest
import torch

from attribution.attributors.guided_backprop import GuidedReLU
from attribution.metrics import METRICS, Explained, Metric, as_learnable
from attribution.metrics.focus import Focus
from attribution.metrics.weighted_sum import WeightedSum
from attribution.tests.gradient_check import DIFFERENTIABLE, LEARNABLE, NETWORKS, check, make_case

TOLERANCE = 1e-5
# By definition the map is a constant in these losses.
DETACHED = ("InputStability", "IROF", "ROAD")


@pytest.mark.parametrize("metric", LEARNABLE)
@pytest.mark.parametrize("attributor", DIFFERENTIABLE)
@pytest.mark.parametrize("which", NETWORKS)
def test_the_parameter_gradient_equals_finite_differences(attributor: str, metric: str, which: str) -> None:
    checked = check(make_case(attributor, METRICS[metric](), NETWORKS[which]()))
    assert checked.error < TOLERANCE
    assert checked.metric_gradient > 1e-6


@pytest.mark.parametrize("attributor", DIFFERENTIABLE)
@pytest.mark.parametrize(
    "metric",
    [Focus(variant="published"), WeightedSum(Focus=0.5, RMA=2.0, Sparseness=1.0, Complexity=0.1)],
    ids=["Focus published", "four parts"],
)
def test_so_it_does_with_other_options(attributor: str, metric: Metric) -> None:
    assert check(make_case(attributor, metric, NETWORKS["smooth-after-relu"]())).error < TOLERANCE


@pytest.mark.parametrize("name", DETACHED)
def test_a_published_loss_that_takes_the_map_as_given_sends_no_gradient_through_it(name: str) -> None:
    through = {variant: _gradient_of_the_map(METRICS[name](variant=variant)) for variant in _variants(name)}  # type: ignore[call-arg]
    assert through["published"] == 0
    assert all(norm > 0 for variant, norm in through.items() if variant != "published")


@pytest.mark.parametrize("name", DETACHED)
def test_a_published_loss_still_has_a_gradient_for_the_parameters(name: str) -> None:
    metric = METRICS[name](variant="published")  # type: ignore[call-arg]
    assert check(make_case("GradCAM", metric, NETWORKS["smooth-after-relu"]())).metric_gradient > 1e-9


def _variants(name: str) -> tuple[str, str]:
    return ("standard" if name == "InputStability" else "differentiable", "published")


def _gradient_of_the_map(metric: Metric) -> float:
    """Norm of the metric loss's gradient with respect to the map it is given."""
    case = make_case("GradCAM", metric, NETWORKS["smooth-after-relu"]())
    probe = case.batch.probe
    made = case.task.attributor(case.student, probe.inputs, probe.targets, create_graph=True)
    maps = made.maps.detach().requires_grad_()
    loss = as_learnable(metric).loss(Explained(case.student, case.task.attributor, probe, maps, made.logits))
    (gradient,) = torch.autograd.grad(loss, [maps], allow_unused=True, materialize_grads=True)
    return float(gradient.norm())


def test_a_rule_left_on_in_the_second_backward_pass_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The power of the test above: the classic mistake bends the gradient by far more than its tolerance."""
    monkeypatch.setattr(GuidedReLU, "_clamp", lambda _self, gradient: gradient.clamp(min=0))
    case = make_case("GuidedBackprop", METRICS["RMA"](), NETWORKS["smooth-after-relu"]())
    assert check(case).error > 1000 * TOLERANCE


def test_a_detached_map_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other classic mistake: a map that the gradient does not reach."""
    loss = METRICS["RMA"].loss  # type: ignore[attr-defined]

    def detached(self: object, explained: Explained) -> torch.Tensor:
        made: torch.Tensor = loss(self, replace(explained, maps=explained.maps.detach() + 0 * explained.maps))
        return made

    monkeypatch.setattr(METRICS["RMA"], "loss", detached)
    case = make_case("GradCAM", METRICS["RMA"](), NETWORKS["smooth-after-relu"]())
    assert check(case).error > 1000 * TOLERANCE
