"""What a network computes decides about its maps and checkpoints, not its weights alone."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from attribution.attributors.gradcam import GradCAM
from attribution.config import NetworkConfig
from attribution.identity import MAPS_VERSION, network_identity
from attribution.networks import load_network
from attribution.progress import silent
from attribution.run import Run, prepare
from attribution.tests.small_run import CONFIG

FACTORY = """
import torch
from torch import nn

from attribution.architectures import ARCHITECTURES


class Scaled(nn.Module):
    def __init__(self, module, scale):
        super().__init__()
        self.module = module
        self.scale = scale

    def forward(self, images):
        return self.module(images) * self.scale


def made(path, activation, scale=1.0):
    content = torch.load(path, weights_only=True)
    module = ARCHITECTURES[content["architecture"]](**content["arguments"])
    module.load_state_dict(content["state_dict"])
    for name, child in list(module.named_modules()):
        if isinstance(child, nn.ReLU) and activation == "elu":
            parent, _, own = name.rpartition(".")
            setattr(module.get_submodule(parent), own, nn.ELU())
    return Scaled(module, scale)
"""
ENTRY = """
[[networks]]
name = "{name}"
spec = "import:networks_of_my_own:made"
arguments = {{ path = "{path}", activation = "{activation}" }}
preprocessing = {{ size = 32, mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5], fit = "squash" }}
"""


@pytest.fixture
def factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file on Python's path with a network's factory."""
    path = tmp_path / "path" / "networks_of_my_own.py"
    path.parent.mkdir()
    path.write_text(FACTORY)
    monkeypatch.syspath_prepend(path.parent)
    yield path
    sys.modules.pop("networks_of_my_own", None)


def write(config: Path, *networks: tuple[str, str]) -> Path:
    path = config.parent / "network.pt"
    entries = "".join(ENTRY.format(name=name, path=path, activation=activation) for name, activation in networks)
    text = CONFIG.replace('[network]\nname = "SmallCNN"\nspec = "file:network.pt"\n', entries)
    text = text.replace('["GradCAM", "GuidedBackprop"]', '["GradCAM"]').replace("pairs = 4", "pairs = 1")
    config.write_text(text[: text.rindex("[[metrics]]")])
    return config


def prepared(config: Path, out: Path, *, resume: bool = False) -> Run:
    return prepare(config, out, resume=resume, device="cpu", progress=silent)


def test_two_networks_with_the_same_weights_share_neither_maps_nor_checkpoints(
    small_run: Path, tmp_path: Path, factory: Path
) -> None:
    run = prepared(write(small_run, ("Plain", "relu"), ("Smooth", "elu")), tmp_path / "out")
    plain, smooth = run.conditions
    assert run.original(plain).digest == run.original(smooth).digest
    assert run.condition_key(plain) != run.condition_key(smooth)
    for condition in run.conditions:
        original = run.original(condition)
        export = original.splits["export"]
        expected = GradCAM()(original.network, export.images(export.members), export.classes(export.members)).maps
        made = torch.from_numpy(run.original_maps(condition, "export").maps("GradCAM", export.members))
        torch.testing.assert_close(made, expected.detach(), atol=1e-5 * float(expected.detach().max()), rtol=0)
    first, second = (run.original_maps(each, "export").maps("GradCAM", run.export.members) for each in run.conditions)
    assert abs(first - second).max() > 0.01 * first.max()


def test_other_arguments_of_a_network_are_other_conditions_of_a_resumed_run(
    small_run: Path, tmp_path: Path, factory: Path
) -> None:
    before = prepared(write(small_run, ("Mine", "relu")), tmp_path / "out")
    after = prepared(write(small_run, ("Mine", "elu")), tmp_path / "out", resume=True)
    (old,), (new,) = before.conditions, after.conditions
    assert before.checkpoint(old) != after.checkpoint(new)
    assert before.original_maps(old, "export").stem != after.original_maps(new, "export").stem


def test_a_new_version_of_map_making_is_another_condition(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepared(small_run, tmp_path / "out")
    before = run.condition_key(run.conditions[0])
    monkeypatch.setattr("attribution.run.MAPS_VERSION", MAPS_VERSION + 1)
    assert run.condition_key(run.conditions[0]) != before


def loaded(small_run: Path, **arguments: float | str) -> str:
    preprocessing = {"size": 32, "mean": (0.5,) * 3, "std": (0.5,) * 3, "fit": "squash"}
    given = {"path": str(small_run.parent / "network.pt"), "activation": "relu", **arguments}
    entry = NetworkConfig("Mine", "import:networks_of_my_own:made", arguments=given, preprocessing=preprocessing)  # type: ignore[arg-type]
    return network_identity(entry, load_network(entry, "study.toml: network").module)


def test_the_code_behind_an_imported_network_belongs_to_it(small_run: Path, factory: Path) -> None:
    before = loaded(small_run)
    assert loaded(small_run) == before
    assert loaded(small_run, scale=2.0) != before
    factory.write_text(FACTORY.replace("* self.scale", "* self.scale + 0.5"))
    sys.modules.pop("networks_of_my_own")
    assert loaded(small_run) != before


class Shift(nn.Module):
    """Prints its function as Python does, with an address."""

    def __init__(self) -> None:
        super().__init__()
        self.function = lambda values: values + 1

    def extra_repr(self) -> str:
        return repr(self.function)


def test_a_networks_place_in_memory_is_no_part_of_what_it_computes(tmp_path: Path) -> None:
    kept = [Shift(), Shift()]
    assert str(kept[0]) != str(kept[1])
    entry = NetworkConfig("Shift", "import:somewhere:shift")
    assert network_identity(entry, kept[0]) == network_identity(entry, kept[1])


def test_a_file_counts_by_its_content_wherever_it_lies(tmp_path: Path) -> None:
    for name, content in (("one", b"a"), ("two", b"a"), ("three", b"b")):
        (tmp_path / name).write_bytes(content)
    one, two, three = (
        network_identity(NetworkConfig("File", f"file:{tmp_path}/{name}"), nn.ReLU())
        for name in ("one", "two", "three")
    )
    assert one == two
    assert one != three
