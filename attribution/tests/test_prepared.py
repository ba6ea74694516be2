import warnings
from collections.abc import Callable
from dataclasses import replace
from threading import Lock

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attribution.attributors import ATTRIBUTORS
from attribution.errors import InputError
from attribution.networks import Network
from attribution.prepared import TOLERANCES, PreparedNetwork, largest_difference, prepared
from attribution.tests.small_networks import FunctionalReLU, SmoothAfterReLU, network, some_images

TARGETS = torch.tensor([0, 1, 2, 3])
SIZE = 16


class Residual(nn.Module):
    """BatchNorms after convolutions, one after a sum, and one that is the feature layer."""

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
        self.inner = nn.BatchNorm2d(8)
        self.after_sum = nn.BatchNorm2d(8)
        self.last = nn.Conv2d(8, 8, 3, padding=1)
        self.top = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, classes)

    def forward(self, images: Tensor) -> Tensor:
        x = self.stem(images)
        x = self.after_sum(x + F.relu6(self.inner(self.depthwise(x))))
        x = F.relu(self.top(self.last(F.max_pool2d(x, 2))), inplace=True)
        return self.head(x.mean(dim=(2, 3)))  # type: ignore[no-any-return]


def residual(layer: str = "top", dtype: torch.dtype = torch.float64) -> Network:
    tested = network(Residual(), layer)
    return replace(tested, module=tested.module.to(dtype))


@pytest.mark.parametrize("attributor", ATTRIBUTORS)
@pytest.mark.parametrize("layer", ["top", "stem", "after_sum"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_every_attributor_makes_the_same_maps(
    attributor: str, layer: str, dtype: torch.dtype, tolerance: float
) -> None:
    plain = residual(layer, dtype)
    made = prepared(plain)
    assert isinstance(made, PreparedNetwork)
    assert sum(isinstance(child, nn.BatchNorm2d) for child in made.module.modules()) == 1  # the one after the sum
    method, images = ATTRIBUTORS[attributor](), some_images().to(dtype)
    expected, found = method(plain, images, TARGETS), method(made, images, TARGETS)
    scale = float(expected.maps.abs().max())
    torch.testing.assert_close(found.maps, expected.maps, atol=tolerance * scale, rtol=0)
    torch.testing.assert_close(
        found.logits, expected.logits, atol=tolerance * float(expected.logits.abs().max()), rtol=0
    )
    assert found.maps.dtype == dtype


def test_the_network_itself_is_left_as_it_was() -> None:
    plain = residual()
    before = {name: value.clone() for name, value in plain.module.state_dict().items()}
    expected = plain.logits(some_images())
    made = prepared(plain)
    made.logits(some_images())
    for name, value in plain.module.state_dict().items():
        assert torch.equal(value, before[name])
        assert value.is_contiguous()
    assert all(parameter.requires_grad for parameter in plain.module.parameters())
    assert not any(parameter.requires_grad for parameter in made.module.parameters())
    assert torch.equal(plain.logits(some_images()), expected)


def test_a_prepared_network_is_prepared_already() -> None:
    made = prepared(residual())
    assert prepared(made) is made


class CountsItsCalls(nn.Module):
    """It answers otherwise from the second call on: no trial can vouch for it."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Residual()
        self.calls = 0

    def forward(self, images: Tensor) -> Tensor:
        self.calls += 1
        return self.body(images) * self.calls  # type: ignore[no-any-return]


def test_a_network_that_answers_otherwise_when_prepared_is_used_as_it_is_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    plain = network(CountsItsCalls(), "body.top")
    assert prepared(plain) is plain
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "prepared it differs by" in record.getMessage()


class ReadsItsNorm(Residual):
    """Its forward asks a BatchNorm that would be folded for its weights."""

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) * self.inner.weight.mean()


class Locked(Residual):
    """It holds what cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = Lock()


@pytest.mark.parametrize(
    ("module", "reason"),
    [(ReadsItsNorm, "'Identity' object has no attribute 'weight'"), (Locked, "cannot pickle '_thread.lock' object")],
)
def test_a_network_that_cannot_be_prepared_is_used_as_it_is_with_the_reason(
    module: type[nn.Module], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    plain = network(module(), "top")
    assert prepared(plain) is plain
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"{module.__name__}: maps are made with the plain network" in caplog.text
    assert reason in caplog.text
    assert not any(child._forward_hooks for child in plain.module.modules())


class Fails(Residual):
    """It meets what `error` says in every pass."""

    error: Exception

    def forward(self, images: Tensor) -> Tensor:
        raise self.error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), InputError),
        (MemoryError(), InputError),
        (torch.AcceleratorError("CUDA error: unspecified launch failure"), torch.AcceleratorError),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"), RuntimeError),
    ],
)
def test_what_passes_does_not_decide_how_maps_are_made(error: Exception, expected: type[Exception]) -> None:
    module = Fails()
    module.error = error
    with pytest.raises(expected):
        prepared(network(module, "top"))


class KeepsActivations(Residual):
    """It keeps what the head gets, with its graph."""

    def forward(self, images: Tensor) -> Tensor:
        self.kept = images.mean() + self.head.weight.sum()
        return super().forward(images) + 0 * self.kept


def weight_normalised() -> nn.Module:
    """Old-style weight_norm keeps the weight that it made in the last pass, with its graph."""
    module = Residual()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module.last = nn.utils.weight_norm(module.last)
    return module


@pytest.mark.parametrize("make", [KeepsActivations, weight_normalised])
def test_a_network_that_keeps_tensors_with_a_graph_is_prepared_all_the_same(make: Callable[[], nn.Module]) -> None:
    plain = network(make(), "top")
    plain.logits(some_images()).sum().backward()
    made = prepared(plain)
    assert isinstance(made, PreparedNetwork)
    expected = ATTRIBUTORS["GuidedBackprop"]()(plain, some_images(), TARGETS).maps
    found = ATTRIBUTORS["GuidedBackprop"]()(made, some_images(), TARGETS).maps
    torch.testing.assert_close(found, expected, atol=1e-10 * float(expected.abs().max()), rtol=0)


class SecondNames(Residual):
    """Its feature layer and a BatchNorm that is folded have second names."""

    def __init__(self) -> None:
        super().__init__()
        self.again, self.inner_again = self.top, self.inner


@pytest.mark.parametrize("layer", ["again", "inner_again"])
def test_a_layer_keeps_its_second_name(layer: str) -> None:
    plain = network(SecondNames(), layer)
    made = prepared(plain)
    assert isinstance(made, PreparedNetwork)
    expected = ATTRIBUTORS["GradCAM"]()(plain, some_images(), TARGETS).maps
    found = ATTRIBUTORS["GradCAM"]()(made, some_images(), TARGETS).maps
    torch.testing.assert_close(found, expected, atol=1e-10 * float(expected.abs().max()), rtol=0)


def test_scripted_and_training_networks_are_used_as_they_are() -> None:
    plain = residual()
    plain.module.train()
    assert prepared(plain) is plain
    scripted = replace(residual(), module=torch.jit.script(residual().module), layer="top")
    assert prepared(scripted) is scripted


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match='unknown precision "float16": use float32 or bfloat16'):
        prepared(residual(), "float16")  # type: ignore[arg-type]


@pytest.mark.parametrize("module", [SmoothAfterReLU, FunctionalReLU], ids=lambda kind: kind.__name__)
def test_answers_stay_within_the_stated_tolerance(module: type[nn.Module]) -> None:
    layer = "third" if module is SmoothAfterReLU else "convolutions.5"
    plain = network(module(), layer)
    plain = replace(plain, module=plain.module.float())
    made = prepared(plain)
    assert isinstance(made, PreparedNetwork)
    assert largest_difference(plain, made, some_images().float()) < TOLERANCES[torch.float32]


def test_a_difference_shows_in_logits_and_in_features() -> None:
    plain, other = residual(), residual()
    assert largest_difference(plain, other, some_images()) == 0.0
    with torch.no_grad():
        other.module.get_submodule("head").get_parameter("bias").add_(1.0)
    assert largest_difference(plain, other, some_images()) > 1e-3


def test_bfloat16_gives_maps_in_the_images_format_that_rank_places_alike() -> None:
    plain = residual(dtype=torch.float32)
    made = prepared(plain, "bfloat16")
    assert {parameter.dtype for parameter in made.module.parameters()} == {torch.bfloat16}
    images = some_images().float()
    for name in ("GradCAM", "GuidedBackprop"):
        expected, found = (ATTRIBUTORS[name]()(each, images, TARGETS).maps for each in (plain, made))
        ranks = [each.flatten().argsort().argsort().double() for each in (expected, found)]
        assert torch.corrcoef(torch.stack(ranks))[0, 1] > 0.98


@pytest.mark.parametrize("attributor", ["GradCAM", "GuidedBackprop"])
def test_maps_of_a_prepared_network_do_not_depend_on_batch_mates(attributor: str) -> None:
    made, images, method = prepared(residual(dtype=torch.float32)), some_images().float(), ATTRIBUTORS[attributor]()
    together = method(made, images, TARGETS).maps
    alone = torch.cat([method(made, images[i : i + 1], TARGETS[i : i + 1]).maps for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-6 * float(together.abs().max()), rtol=1e-5)
