import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attribution.attributors.features import logits_and_features
from attribution.attributors.gradcam_plus_plus import GradCAMPlusPlus
from attribution.networks import Network
from attribution.tests.small_networks import PlainReLU, SmoothAfterReLU, network, some_images
from attribution.tests.token_networks import swin, vit

TARGETS = torch.tensor([0, 3, 1, 4])


def test_weights_checked_by_hand() -> None:
    """sum A = 10 and g = .1 everywhere: alpha = 1 / (2 + 1), w = 4 x .1 / 3."""
    features = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    maps = GradCAMPlusPlus().from_features(features, torch.full_like(features, 0.1), (2, 2))
    torch.testing.assert_close(maps, features[0] * 0.4 / 3)


def test_places_with_a_negative_gradient_have_no_weight() -> None:
    features = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    gradient = torch.tensor([[[[-0.1, -0.1], [-0.1, 0.1]]]])
    torch.testing.assert_close(GradCAMPlusPlus().from_features(features, gradient, (2, 2)), features[0] * 0.1 / 3)


def test_an_undefined_weight_counts_as_zero_and_keeps_gradients_finite() -> None:
    """Channel 0: sum A = -20 and g = .1, so 2 + g sum A = 0. Channel 1 is as in the test by hand."""
    features = torch.tensor([[[[-5.0, -5.0], [-5.0, -5.0]], [[1.0, 2.0], [3.0, 4.0]]]], requires_grad=True)
    maps = GradCAMPlusPlus().from_features(features, torch.full_like(features, 0.1), (2, 2))
    torch.testing.assert_close(maps.detach(), features[:, 1].detach() * 0.4 / 3)
    maps.sum().backward()
    assert features.grad is not None
    assert features.grad.isfinite().all()


def diagonal(outputs: Tensor, inputs: Tensor) -> Tensor:
    """d outputs_i / d inputs_i for every i, one by one."""
    parts = []
    for i in range(outputs.numel()):
        (gradient,) = torch.autograd.grad(outputs.flatten()[i], inputs, create_graph=True)
        parts.append(gradient.flatten()[i])
    return torch.stack(parts).view_as(inputs)


class Head(nn.Module):
    """The part of `PlainReLU` after its feature map; the class score is exp(logit), as the method has it."""

    def __init__(self, whole: nn.Module, target: int) -> None:
        super().__init__()
        self.head, self.target = whole.head, target

    def forward(self, features: Tensor) -> Tensor:
        return self.head(features.mean(dim=(2, 3)))[0, self.target].exp()  # type: ignore[no-any-return,operator]


def test_maps_equal_the_definition_by_second_and_third_derivatives_of_the_exponential_score() -> None:
    """Equations 10 and 15 with derivatives taken one by one; the logit is linear in the features here."""
    tested = network(PlainReLU(), "features.4", size=8)
    images = some_images(1, size=8)
    features = tested.module.features(images).detach().requires_grad_()  # type: ignore[operator]
    score = Head(tested.module, 3)(features)
    (first,) = torch.autograd.grad(score, features, create_graph=True)
    second = diagonal(first, features)
    third = diagonal(second, features)
    alpha = second / (2 * second + features.sum(dim=(2, 3), keepdim=True) * third)
    weights = (alpha * F.relu(first)).sum(dim=(2, 3), keepdim=True) / score
    coarse = F.relu((weights * features).sum(dim=1, keepdim=True))
    expected = F.interpolate(coarse, size=(8, 8), mode="bilinear")[:, 0].detach()
    assert expected.max() > 0
    maps = GradCAMPlusPlus()(tested, images, torch.tensor([3])).maps
    torch.testing.assert_close(maps, expected, atol=1e-12, rtol=1e-9)


@pytest.mark.parametrize(
    "tested", [network(SmoothAfterReLU(), "third"), vit(), swin(seed=2)], ids=lambda tested: tested.name
)
def test_maps_equal_a_slow_reference(tested: Network) -> None:
    images = some_images()
    logits, features = logits_and_features(tested, images)
    (gradient,) = torch.autograd.grad(logits.gather(1, TARGETS[:, None]).sum(), features)
    N, K, height, width = features.shape
    coarse = torch.zeros(N, 1, height, width, dtype=torch.float64)
    for n in range(N):
        for k in range(K):
            A, g = features[n, k].detach(), gradient[n, k]
            weight = 0.0
            for y in range(height):
                for x in range(width):
                    if g[y, x] > 0:
                        weight += float(g[y, x] ** 2 / (2 * g[y, x] ** 2 + A.sum() * g[y, x] ** 3) * g[y, x])
            coarse[n, 0] += weight * A
    expected = F.interpolate(F.relu(coarse), size=(16, 16), mode="bilinear")[:, 0]
    assert expected.abs().max() > 0
    maps = GradCAMPlusPlus()(tested, images, TARGETS).maps
    torch.testing.assert_close(maps, expected, atol=1e-12 * float(expected.max()), rtol=1e-9)


def test_maps_do_not_depend_on_batch_mates() -> None:
    tested, images = network(SmoothAfterReLU(), "third"), some_images()
    together = GradCAMPlusPlus()(tested, images, TARGETS).maps
    alone = torch.cat([GradCAMPlusPlus()(tested, images[i : i + 1], TARGETS[i : i + 1]).maps for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=1e-12)
