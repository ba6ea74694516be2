"""Which attributors work on a network, in Python and for a study on the command line."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from attribution.attributors import ATTRIBUTORS, Attribution, check
from attribution.attributors.integrated_gradients import IntegratedGradients
from attribution.attributors.saliency import Saliency
from attribution.cli import main
from attribution.errors import InputError
from attribution.networks import Network
from attribution.tests.small_networks import NoReLU, PlainReLU, SmoothAfterReLU, network
from attribution.tests.token_networks import vit

GUIDED = {"GuidedBackprop", "GuidedGradCAM"}
CLASS_ACTIVATION = {"GradCAM", "GradCAM++", "LayerCAM"}


def refused(found: dict[str, str | None]) -> set[str]:
    return {name for name, reason in found.items() if reason is not None}


def test_everything_works_on_a_network_of_convolutions_and_relus() -> None:
    found = check(network(PlainReLU(), "features.4"))
    assert list(found) == list(ATTRIBUTORS)
    assert refused(found) == set()


@pytest.mark.parametrize("tested", [network(NoReLU(), "conv"), vit()], ids=lambda tested: tested.name)
def test_guided_methods_refuse_a_network_without_a_relu_with_a_reason(tested: Network) -> None:
    found = check(tested)
    assert refused(found) >= GUIDED
    assert not refused(found) & (CLASS_ACTIVATION | {"Saliency", "InputXGradient", "IntegratedGradients", "SmoothGrad"})
    assert all("reaches no ReLU" in str(found[name]) for name in GUIDED)


def test_a_layer_that_is_no_feature_map_is_a_reason_for_those_that_need_one() -> None:
    found = check(network(PlainReLU(), "head"))
    assert refused(found) == CLASS_ACTIVATION | {"GuidedGradCAM"}
    assert "set network.layer" in str(found["GradCAM"])


def test_the_network_is_left_as_it_was() -> None:
    tested = network(SmoothAfterReLU(), "third")
    before = tested.weights_digest()
    check(tested)
    assert tested.weights_digest() == before
    assert all(parameter.requires_grad and parameter.grad is None for parameter in tested.module.parameters())
    assert all(not module._forward_hooks and not module._backward_hooks for module in tested.module.modules())


@dataclass(frozen=True)
class Mistaken:
    name: ClassVar[str] = "Mistaken"
    differentiable: ClassVar[bool] = False

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        raise RuntimeError("a mistake")


def test_what_is_not_about_the_input_is_raised() -> None:
    with pytest.raises(RuntimeError, match="a mistake"):
        check(network(PlainReLU(), "features.4"), {"Mistaken": Mistaken()})


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.passed = 0

    def forward(self, images: Tensor) -> Tensor:
        self.passed += len(images)
        return images.square().mean(dim=(2, 3))


def test_methods_that_repeat_themselves_are_tried_once() -> None:
    module = Counting()
    tested = Network("counting", "test", module, network(PlainReLU(), "head").preprocessing, "", 3)
    assert check(tested, {"IG": IntegratedGradients(steps=1000), "S": Saliency()}) == {"IG": None, "S": None}
    assert module.passed == 3
    assert torch.is_grad_enabled()


def test_the_command_prints_attributors_by_networks(small_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(small_run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["attributor", "SmallCNN"]
    assert [line.split() for line in lines if line.startswith("GradCAM ")] == [["GradCAM", "*", "yes"]]
    assert [line.split() for line in lines if line.startswith("SmoothGrad")] == [["SmoothGrad", "yes"]]


WITH_A_SECOND_NETWORK = """
[[networks]]
name = "SmallCNN"
spec = "file:network.pt"

[[networks]]
name = "Smooth"
spec = "import:attribution.tests.small_networks:NoReLU"
preprocessing = { size = 32, mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25], fit = "squash" }
"""


def test_the_command_gives_reasons_and_fails_if_the_study_cannot_run(
    small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = '[network]\nname = "SmallCNN"\nspec = "file:network.pt"\n'
    small_run.write_text(small_run.read_text().replace(one, WITH_A_SECOND_NETWORK))
    assert main(["check", str(small_run)]) == 2
    printed = capsys.readouterr()
    rows = {line.split()[0]: line for line in printed.out.splitlines()}
    assert rows["GuidedBackprop"].split() == ["GuidedBackprop", "*", "yes", "no", "[1]"]
    assert rows["[1]"].startswith("[1] network Smooth: GuidedBackprop reaches no ReLU in it")
    assert "attributors: GuidedBackprop does not work on network Smooth" in printed.err


def test_the_command_tries_the_studys_own_attributors_with_their_options(
    small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = '[{ name = "attribution.tests.test_attributor_check:Refusing", label = "Mine" }, "GradCAM"]'
    small_run.write_text(small_run.read_text().replace('["GradCAM", "GuidedBackprop"]', own))
    assert main(["check", str(small_run)]) == 2
    assert "Mine *" in capsys.readouterr().out


@dataclass(frozen=True)
class Refusing:
    name: ClassVar[str] = "Refusing"
    differentiable: ClassVar[bool] = False

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        raise InputError("not today")
