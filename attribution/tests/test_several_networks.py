"""A run over several networks: the same images, shared originals, one bundle."""

import json
from pathlib import Path

import pytest
import torch

from attribution import pipeline
from attribution.attributors.joint import explain
from attribution.errors import InputError
from attribution.progress import silent
from attribution.run import prepare
from attribution.tests.small_run import CONFIG

SECOND = """
[[networks]]
name = "Plain"
spec = "file:network.pt"

[[networks]]
name = "Jittered"
spec = "file:jittered.pt"
"""


@pytest.fixture
def two_networks(small_run: Path) -> Path:
    content = torch.load(small_run.parent / "network.pt", weights_only=True)
    generator = torch.Generator().manual_seed(1)
    for value in content["state_dict"].values():
        if value.is_floating_point():
            value.mul_(1 + 0.02 * torch.randn(value.shape, generator=generator))
    torch.save(content, small_run.parent / "jittered.pt")
    text = CONFIG.replace('[network]\nname = "SmallCNN"\nspec = "file:network.pt"\n', SECOND)
    assert "Jittered" in text
    small_run.write_text(text.replace("steps = 6", "steps = 2").replace("steps = 4", "steps = 2"))
    return small_run


def objects(bundle: Path, model: str) -> list[dict[str, object]]:
    entries = json.loads((bundle / "study.json").read_text())
    return [entry["fields"] for entry in entries if entry["model"] == f"studies.{model}"]


def test_every_network_has_every_condition_on_the_same_images(two_networks: Path, tmp_path: Path) -> None:
    bundle = pipeline.build(two_networks, tmp_path / "out", device="cpu")
    conditions = objects(bundle, "condition")
    assert {entry["network"] for entry in conditions} == {"Plain", "Jittered"}
    assert len(conditions) == 8
    shown: dict[str, set[str]] = {}
    for pair in objects(bundle, "pair"):
        shown.setdefault(str(pair["condition"]), set()).add(str(pair["image"]))
    assert len({frozenset(images) for images in shown.values()}) == 1
    manifest = json.loads((bundle / "manifest.json").read_text())
    digests = {entry["name"]: entry["weights_sha256"] for entry in manifest["networks"]}
    assert len(set(digests.values())) == 2
    assert "RMA x GradCAM x Jittered" in pipeline.table_of(bundle)


def test_original_maps_are_made_once_for_all_conditions_of_a_network(
    two_networks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, str, str]] = []

    def count(network: object, attributors: list[object], images: torch.Tensor, targets: torch.Tensor) -> object:
        digest = network.weights_digest()  # type: ignore[attr-defined]
        made.extend((digest, type(each).__name__, str(float(image.sum()))) for each in attributors for image in images)
        return explain(network, attributors, images, targets)  # type: ignore[arg-type]

    monkeypatch.setattr("attribution.map_store.explain", count)
    pipeline.build(two_networks, tmp_path / "out", device="cpu")
    assert len(made) == len(set(made)), "no network explains an image twice with one attributor"


def test_networks_that_cut_images_differently_are_refused(two_networks: Path, tmp_path: Path) -> None:
    preprocessing = 'preprocessing = { size = 24, mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25], fit = "squash" }'
    text = two_networks.read_text().replace('"file:jittered.pt"', f'"file:jittered.pt"\n{preprocessing}')
    two_networks.write_text(text)
    with pytest.raises(InputError, match=r"networks\[1\]\.preprocessing: Jittered and Plain cut images differently"):
        prepare(two_networks, tmp_path / "out", resume=False, device="cpu", progress=silent)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('name = "Jittered"', 'name = "Plain"', r"networks: Plain stands twice"),
        ("[dataset]", '[network]\nname = "x"\nspec = "y"\n\n[dataset]', r"network: stands beside networks"),
        ("file:jittered.pt", "file:none.pt", r"networks\[1\]\.spec: .*none\.pt: no such file"),
        ('name = "Jittered"\n', "", r"networks\[1\]\.name: missing"),
    ],
)
def test_a_wrong_network_is_named_by_its_place(
    two_networks: Path, tmp_path: Path, old: str, new: str, expected: str
) -> None:
    two_networks.write_text(two_networks.read_text().replace(old, new))
    with pytest.raises(InputError, match=expected):
        prepare(two_networks, tmp_path / "out", resume=False, device="cpu", progress=silent)


def test_a_network_can_be_added_to_a_run_without_repeating_the_first(
    two_networks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = two_networks.read_text()
    two_networks.write_text(both[: both.index('[[networks]]\nname = "Jittered"')] + both[both.index("[[metrics]]") :])
    pipeline.finetune(two_networks, tmp_path / "out", device="cpu")
    trained = {path.name for path in (tmp_path / "out" / "conditions").iterdir()}
    two_networks.write_text(both)
    pipeline.finetune(two_networks, tmp_path / "out", resume=True, device="cpu")
    assert len(list((tmp_path / "out" / "conditions").iterdir())) == len(trained) + 4
