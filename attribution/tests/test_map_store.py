from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from attribution.attributors import Attribution
from attribution.attributors.gradcam import GradCAM
from attribution.attributors.guided_backprop import GuidedBackprop
from attribution.identity import MAPS_VERSION
from attribution.map_store import MapStore
from attribution.networks import Network
from attribution.tests.small_networks import PlainReLU, network
from attribution.tests.small_splits import small_split


def store(folder: Path, **changes: object) -> MapStore:
    tested = network(PlainReLU(), "features.4")
    tested = replace(tested, module=tested.module.float())
    split = small_split(classes=5, per_class=2, size=16)
    made = MapStore(folder, "key", tested, {"CAM": GradCAM(), "guided": GuidedBackprop()}, split, 4)
    return replace(made, **changes)  # type: ignore[arg-type]


def count_forwards(made: MapStore) -> list[int]:
    """Sizes of the batches that go through the network from now on."""
    sizes: list[int] = []
    made.network.module.register_forward_pre_hook(lambda _module, args: sizes.append(len(args[0])))
    return sizes


def test_maps_and_logits_are_those_of_the_attributor(tmp_path: Path) -> None:
    made = store(tmp_path)
    items = [7, 2]
    expected = GradCAM()(made.network, made.split.images(items), made.split.classes(items))
    np.testing.assert_allclose(made.maps("CAM", items), expected.maps.numpy(), atol=1e-6)
    np.testing.assert_allclose(made.logits(items), expected.logits.numpy(), atol=1e-5)
    known = made.known("CAM", items)
    torch.testing.assert_close(known.maps, torch.from_numpy(made.maps("CAM", items)))


def test_each_block_of_images_is_made_once(tmp_path: Path) -> None:
    first = store(tmp_path)
    first.maps("CAM", [0, 1])
    again = store(tmp_path)
    sizes = count_forwards(again)
    again.maps("guided", [3, 0])  # the other attributor, the same block
    assert sizes == []
    again.maps("CAM", [9])  # the last block has two images
    assert max(sizes) == 2  # preparing the network takes two images at most


def test_who_asks_first_does_not_matter(tmp_path: Path) -> None:
    one, other = store(tmp_path / "one"), store(tmp_path / "other")
    for item in range(10):
        one.maps("CAM", [item])
    np.testing.assert_array_equal(one.maps("CAM", range(10)), other.maps("CAM", range(10)))


def test_a_block_that_was_interrupted_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = store(tmp_path / "whole").maps("guided", range(10))

    def interrupt(*_arguments: object, **_options: object) -> list[Attribution]:
        raise KeyboardInterrupt

    broken = store(tmp_path / "cut")
    broken.maps("CAM", [0])
    with monkeypatch.context() as patched:
        patched.setattr("attribution.map_store.explain", interrupt)
        with pytest.raises(KeyboardInterrupt):
            broken.maps("CAM", [5])
    np.testing.assert_array_equal(store(tmp_path / "cut").maps("guided", range(10)), whole)


@pytest.mark.parametrize(
    "change",
    [{"key": "another"}, {"batch": 5}, {"attributors": {"CAM": GradCAM()}}],
    ids=["key", "batch", "attributors"],
)
def test_what_maps_follow_from_decides_about_their_files(tmp_path: Path, change: dict[str, object]) -> None:
    store(tmp_path).maps("CAM", [0])
    other = store(tmp_path, **change)
    sizes = count_forwards(other)
    other.maps("CAM", [0])
    assert sizes


def test_removing_gives_the_space_back_and_loses_nothing(tmp_path: Path) -> None:
    made = store(tmp_path)
    before = made.maps("CAM", [1]).copy()
    made.remove()
    assert not list(tmp_path.iterdir())
    np.testing.assert_array_equal(store(tmp_path).maps("CAM", [1]), before)


def test_a_store_that_was_removed_makes_new_maps_and_reads_no_unlinked_files(tmp_path: Path) -> None:
    made = store(tmp_path)
    before = made.maps("CAM", [1]).copy()
    made.remove()
    sizes: list[int] = []
    made.maker.module.register_forward_pre_hook(lambda _module, args: sizes.append(len(args[0])))
    np.testing.assert_array_equal(made.maps("CAM", [1]), before)
    assert sizes
    assert len(list(tmp_path.glob("*.npy"))) == 4


def files(folder: Path) -> dict[str, Path]:
    return {path.stem.rpartition("-")[2]: path for path in folder.glob("*.npy")}


def test_a_removal_that_is_cut_short_leaves_no_block_that_counts_as_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = store(tmp_path)
    before = made.maps("CAM", [1]).copy()
    unlink, unlinked = Path.unlink, list[Path]()

    def once(path: Path, missing_ok: bool = False) -> None:
        if unlinked:
            raise KeyboardInterrupt
        unlinked.append(path)
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", once)
        with pytest.raises(KeyboardInterrupt):
            made.remove()
    assert sorted(files(tmp_path)) == ["attributor0", "attributor1", "logits"]
    np.testing.assert_array_equal(store(tmp_path).maps("CAM", [1]), before)


@pytest.mark.parametrize("lost", ["attributor0", "attributor1", "logits", "done"])
@pytest.mark.parametrize("how", ["missing", "empty", "cut", "other shape", "other type"])
def test_maps_are_made_again_unless_every_file_is_there_and_whole(tmp_path: Path, lost: str, how: str) -> None:
    before = store(tmp_path).maps("CAM", [1]).copy()
    path = files(tmp_path)[lost]
    stored = np.load(path)
    if how == "missing":
        path.unlink()
    elif how == "other shape":
        np.save(path, stored[:1])
    elif how == "other type":
        np.save(path, stored.astype(np.int16))
    else:
        path.write_bytes(path.read_bytes()[: 0 if how == "empty" else -1])
    again = store(tmp_path)
    sizes = count_forwards(again)
    np.testing.assert_array_equal(again.maps("CAM", [1]), before)
    assert sizes


def test_what_is_done_appears_after_all_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_path: Path, _target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            store(tmp_path).maps("CAM", [0])
    assert sorted(path.suffix for path in tmp_path.glob("*-*-*")) == [".npy", ".npy", ".npy", ".tmp"]
    assert store(tmp_path).maps("CAM", [0]).any()
    assert {path.suffix for path in tmp_path.glob("*-*-*")} == {".npy"}


def test_the_order_of_attributors_changes_no_map(tmp_path: Path) -> None:
    before = {name: store(tmp_path).maps(name, [1, 2]).copy() for name in ("CAM", "guided")}
    turned = store(tmp_path, attributors={"guided": GuidedBackprop(), "CAM": GradCAM()})
    for name, maps in before.items():
        np.testing.assert_array_equal(turned.maps(name, [1, 2]), maps)


def test_a_new_version_of_map_making_has_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = store(tmp_path).stem
    monkeypatch.setattr("attribution.map_store.MAPS_VERSION", MAPS_VERSION + 1)
    assert store(tmp_path).stem != before


def test_the_networks_parameters_ask_for_gradients_again_afterwards(tmp_path: Path) -> None:
    made = store(tmp_path)
    made.maps("CAM", [0])
    assert isinstance(made.network, Network)
    assert all(parameter.requires_grad for parameter in made.network.module.parameters())
