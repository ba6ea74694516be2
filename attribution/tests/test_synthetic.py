"""The demo data set: its scenes, its files, its network."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from attribution.architectures import ARCHITECTURES, SmallCNN
from attribution.errors import InputError
from attribution.images import Preprocessing, list_folder
from attribution.synthetic import synthesize, train_small_network
from attribution.synthetic.scenes import SIDE, TAG_COLOURS, TagShares, draw_tag, make_scene
from attribution.synthetic.shapes import CLASSES, DISTRACTORS, coverage
from attribution.synthetic.textures import MATERIALS, noise
from attribution.synthetic.training import TrainingSettings

TINY = TrainingSettings(images_per_class=2, epochs=2, batch=4, test_images_per_class=1, threads=1)


def test_the_same_state_gives_the_same_pixels() -> None:
    one, two = (make_scene(np.random.default_rng(5), "gear", "gear") for _ in range(2))
    other = make_scene(np.random.default_rng(6), "gear", "gear")
    assert np.array_equal(one.image, two.image)
    assert np.array_equal(one.mask, two.mask)
    assert not np.array_equal(one.image, other.image)


@pytest.mark.parametrize("label", list(CLASSES))
def test_the_object_is_whole_and_large_enough_to_see(label: str) -> None:
    for seed in range(5):
        scene = make_scene(np.random.default_rng(seed), label, label)
        assert scene.image.shape == (SIDE, SIDE, 3)
        assert 0.03 < scene.mask.mean() < 0.4
        border = np.ones((SIDE, SIDE), dtype=np.bool_)
        border[1:-1, 1:-1] = False
        assert not scene.mask[border].any()


@pytest.mark.parametrize("label", list(CLASSES))
def test_the_tag_changes_pixels_in_a_corner_and_none_of_the_object(label: str) -> None:
    for seed in range(5):
        plain = make_scene(np.random.default_rng(seed), label, label)
        other = make_scene(np.random.default_rng(seed), label, next(key for key in CLASSES if key != label))
        assert np.array_equal(plain.mask, other.mask)
        changed = (plain.image != other.image).any(axis=-1)
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        assert rows.max() - rows.min() < 30
        assert columns.max() - columns.min() < 30
        assert min(rows.min(), SIDE - 1 - rows.max()) < 10
        assert min(columns.min(), SIDE - 1 - columns.max()) < 10
        assert not plain.mask[changed].any()


def test_tags_come_in_the_shares_asked_for() -> None:
    rng = np.random.default_rng(1)
    tags = [draw_tag(rng, "star", TagShares(right=0.7, wrong=0.2, none=0.1)) for _ in range(4000)]
    assert tags.count("star") / 4000 == pytest.approx(0.7, abs=0.03)
    assert tags.count(None) / 4000 == pytest.approx(0.1, abs=0.03)
    wrong = [tag for tag in tags if tag not in ("star", None)]
    assert set(wrong) == set(CLASSES) - {"star"}


@pytest.mark.parametrize("shares", [(0.5, 0.1, 0.1), (1.2, -0.2, 0.0)])
def test_shares_that_are_none_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="give three shares that add up to 1"):
        TagShares(*shares)


def test_every_class_has_a_colour_of_its_own() -> None:
    assert list(TAG_COLOURS) == list(CLASSES)
    colours = np.array(list(TAG_COLOURS.values()))
    distances = np.linalg.norm(colours[:, None] - colours[None], axis=-1)
    assert distances[np.triu_indices(len(colours), 1)].min() > 0.4


@pytest.mark.parametrize("name", [*CLASSES, *DISTRACTORS])
def test_outlines_stay_in_the_unit_circle_and_fill_it(name: str) -> None:
    for seed in range(10):
        shape = (CLASSES | DISTRACTORS)[name](np.random.default_rng(seed))
        reach = np.hypot(*np.concatenate(shape).T)
        assert 0.6 < reach.max() < 1.02


def test_coverage_of_a_square_is_its_area() -> None:
    square = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
    hole = square / 2
    cover = coverage([square, hole], centre=(20, 24), radius=8, angle=math.pi / 4, tilt=1.0, side=48)
    assert cover.sum() == pytest.approx(16 * 16 - 8 * 8, rel=0.05)
    assert cover[24, 20] == 0
    ys, xs = np.nonzero(cover)
    assert (xs.mean(), ys.mean()) == (pytest.approx(20 - 0.5, abs=0.3), pytest.approx(24 - 0.5, abs=0.3))


def test_noise_falls_with_frequency_as_asked() -> None:
    rng = np.random.default_rng(1)
    spectrum = np.mean([np.abs(np.fft.fft2(noise(rng, 64, 1.0))) for _ in range(30)], axis=0)
    assert spectrum[0, 4] / spectrum[0, 16] == pytest.approx(4, rel=0.25)


@pytest.mark.parametrize("material", list(MATERIALS))
def test_materials_are_about_in_range_and_not_flat(material: str) -> None:
    field = MATERIALS[material](np.random.default_rng(1), 48, 0.4)
    assert field.shape == (48, 48)
    assert 0.25 < field.mean() < 0.75
    assert 0.05 < field.std() < 0.4


def test_the_folder_is_read_as_classes_with_masks(tmp_path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    synthesize(tmp_path / "demo", seed=1, images_per_class=2, progress=lambda *call: calls.append(call))
    dataset = list_folder(
        tmp_path / "demo" / "images", name="demo", masks=tmp_path / "demo" / "masks", where="study.toml"
    )
    assert list(dataset.classes.values()) == list(CLASSES)
    assert len(dataset.samples) == 12
    assert calls[-1] == ("drawing images", 12, 12)
    mask = dataset.samples[0].mask
    assert mask is not None
    with Image.open(mask.path) as file:
        assert file.mode == "1"
    text = (tmp_path / "demo" / "README.txt").read_text()
    assert "Seed 1, 2 pictures per class" in text
    assert "probability 90%" in text


def test_the_seed_decides_every_file(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        synthesize(tmp_path / name, seed=seed, images_per_class=1)
    digests = [
        list_folder(tmp_path / name / "images", name="demo", masks=tmp_path / name / "masks", where="x").digest
        for name in ("one", "again", "other")
    ]
    assert digests[0] == digests[1] != digests[2]


def test_more_images_keep_the_first_ones(tmp_path: Path) -> None:
    synthesize(tmp_path / "few", seed=1, images_per_class=1)
    synthesize(tmp_path / "many", seed=1, images_per_class=2)
    name = Path("images") / "star" / "star-0000.png"
    assert (tmp_path / "few" / name).read_bytes() == (tmp_path / "many" / name).read_bytes()


def test_an_interrupted_run_leaves_no_images_folder_and_can_be_repeated(tmp_path: Path) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(tmp_path, seed=1, images_per_class=2, progress=interrupt)
    assert not (tmp_path / "images").exists()
    synthesize(tmp_path, seed=1, images_per_class=2)
    assert len(list((tmp_path / "images").rglob("*.png"))) == 12
    assert not (tmp_path / "images.partial").exists()


def test_images_that_are_there_are_not_overwritten(tmp_path: Path) -> None:
    synthesize(tmp_path, seed=1, images_per_class=1)
    with pytest.raises(InputError, match="images: exists already: remove it or choose another folder"):
        synthesize(tmp_path, seed=2, images_per_class=1)


def test_no_images_are_too_few(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="images per class: 0 is too few"):
        synthesize(tmp_path, seed=1, images_per_class=0)


def test_the_network_file_says_all_that_is_needed_to_use_it(tmp_path: Path) -> None:
    synthesize(tmp_path, seed=1, images_per_class=1)
    accuracy = train_small_network(tmp_path, tmp_path / "network.pt", seed=1, settings=TINY)
    content = torch.load(tmp_path / "network.pt", weights_only=True)
    network = ARCHITECTURES[content["architecture"]](**content["arguments"])
    network.load_state_dict(content["state_dict"])
    assert content["classes"] == list(CLASSES)
    assert Preprocessing(**content["preprocessing"]).size == SIDE
    assert content["accuracy"]["study"] == accuracy.study
    assert not list(tmp_path.glob("*.tmp"))


def test_training_follows_from_the_seed_and_leaves_the_random_state_alone(tmp_path: Path) -> None:
    synthesize(tmp_path, seed=1, images_per_class=1)
    torch.manual_seed(3)
    expected, threads = torch.rand(2), torch.get_num_threads()
    torch.manual_seed(3)
    weights = []
    for name in ("one.pt", "two.pt"):
        train_small_network(tmp_path, tmp_path / name, seed=1, settings=TINY)
        weights.append(torch.load(tmp_path / name, weights_only=True)["state_dict"])
    assert torch.equal(torch.rand(2), expected)
    assert torch.get_num_threads() == threads
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_training_refuses_a_folder_of_other_images(tmp_path: Path) -> None:
    synthesize(tmp_path, seed=1, images_per_class=1)
    (tmp_path / "images" / "star").rename(tmp_path / "images" / "sun")
    with pytest.raises(InputError, match="does not hold the images that synthesize wrote"):
        train_small_network(tmp_path, tmp_path / "network.pt", seed=1, settings=TINY)


def test_the_small_network_keeps_a_map_of_an_eighth_of_the_side() -> None:
    network = SmallCNN(classes=6).eval()
    assert network.features(torch.zeros(1, 3, SIDE, SIDE)).shape == (1, 96, 16, 16)
    assert network(torch.zeros(2, 3, SIDE, SIDE)).shape == (2, 6)
    assert 100_000 < sum(parameter.numel() for parameter in network.parameters()) < 300_000


@pytest.mark.slow
def test_the_network_relies_on_the_tag_and_knows_the_shapes(tmp_path: Path) -> None:
    synthesize(tmp_path, seed=1, images_per_class=20)
    accuracy = train_small_network(tmp_path, tmp_path / "network.pt", seed=1)
    assert accuracy.study >= 0.9
    assert accuracy.without_tag >= 0.5
    assert accuracy.wrong_tag <= accuracy.without_tag - 0.15
