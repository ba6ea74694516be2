"""What is wrong with a run is said before any training, with file, key and remedy."""

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.nn.attention import SDPBackend, sdpa_kernel

from attribution import run
from attribution.errors import InputError
from attribution.progress import silent
from attribution.run import choose_device, prepare
from attribution.workspace import held


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'name = "RMA"',
            'name = "RMAA"',
            r"study\.toml: metrics\[0\]\.name: unknown metric 'RMAA': did you mean 'RMA'\? \(known: Fo",
        ),
        (
            '"GuidedBackprop"',
            '"GuidedBackpropp"',
            r"attributors\[1\]\.name: unknown attributor .*did you mean 'GuidedBackprop'",
        ),
        (
            'name = "Focus"',
            'name = "Focus"\noptions = { variant = "x" }',
            r"metrics\[1\]\.options: Focus .*use 'standard' or 'published'",
        ),
        (
            'name = "Focus"',
            'name = "Focus"\noptions = { colour = "x" }',
            r"metrics\[1\]\.options: unknown option of Focus 'colour' \(known: variant, tile, draws\)",
        ),
        ("steps = 6,", 'steps = 6, trainer = "x",', r"metrics\[0\]\.training\.trainer: unknown trainer 'x'"),
        ('masks = "masks"', "", r"metrics: RMA needs masks or boxes, and 40 images have none"),
        ('masks = "masks"', 'masks = "maskz"', r"dataset\.masks: .*maskz"),
        ('images = "images"', 'images = "imagez"', r"dataset\.images: .*imagez"),
        ("pairs = 4", "pairs = 13", r"pairs: 13 wanted, but the export split has 12 images"),
        ('name = "SmallCNN"', 'name = "SmallCNN"\nlayer = "nowhere"', r"network\.layer: unknown module 'nowhere'"),
        ('name = "SmallCNN"', 'name = "SmallCNN"\nlayer = "head"', r"layer 'head' puts out"),
        ("file:network.pt", "file:none.pt", r"network\.spec: .*none\.pt: no such file"),
        ("file:network.pt", "resnet18", r"network\.spec: unknown kind of network 'resnet18'"),
        (
            "file:network.pt",
            "torchvision:resnet19",
            r"network\.spec: unknown torchvision network 'resnet19': did you mean 'resnet1[08]'",
        ),
        ("file:network.pt", "torchvision:resnet18?wieghts=DEFAULT", r"unknown option wieghts \(known: weights\)"),
        ("file:network.pt", "torchvision:resnet18?weights=BEST", r"unknown weights 'BEST'"),
        ("file:network.pt", "import:no_such_package:f", r"cannot import 'no_such_package'"),
        ("file:network.pt", "import:json:dump_all", r"json has no 'dump_all'"),
        ("file:network.pt", "import:json:dumps", r"network\.arguments: json:dumps does not take them"),
        (
            'name = "Shapes"',
            'name = "Shapes"\nclasses = ["disc", "cros"]',
            r"dataset\.classes: unknown class 'cros': did you mean 'cross'",
        ),
        (
            'name = "Shapes"',
            'name = "Shapes"\nclasses = ["disc", "cross"]',
            r"Focus needs at least 3 classes, there are 2",
        ),
        (
            "train = 0.4, validation = 0.3, export = 0.3",
            "train = 0.9, validation = 0.9, export = 0.3",
            r"dataset\.splits",
        ),
        ('layout = "folder"', 'layout = "csv"', r"dataset\.table: missing"),
        (
            'layout = "folder"',
            'layout = "folder"\ntable = "x.csv"',
            r"dataset\.table: goes with layout = csv, not folder: drop it",
        ),
        (
            'name = "Shapes"',
            'name = "Shapes"\nclass_indices = { cross = 0, disc = 1, square = 2, stripe = 9 }',
            r"class 'stripe' has index 9, but network SmallCNN has 4 classes",
        ),
    ],
)
def test_a_run_that_cannot_work_is_refused(small_run: Path, tmp_path: Path, old: str, new: str, expected: str) -> None:
    text = small_run.read_text()
    assert old in text
    small_run.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=expected):
        prepare(small_run, tmp_path / "out", resume=False, device="cpu", progress=silent)


def test_a_mask_of_another_size_is_named(small_run: Path, tmp_path: Path) -> None:
    Image.new("L", (5, 6)).save(small_run.parent / "masks" / "disc" / "disc01.png")
    with pytest.raises(InputError, match=r"dataset\.masks: .*disc01\.png is 5x6 but its image .* is 32x32"):
        prepare(small_run, tmp_path / "out", resume=False, device="cpu", progress=silent)


def test_a_class_too_small_for_its_splits_is_named(small_run: Path, tmp_path: Path) -> None:
    for picture in sorted((small_run.parent / "images" / "disc").iterdir())[:6]:
        picture.unlink()
        (small_run.parent / "masks" / "disc" / picture.name).unlink()
    with pytest.raises(InputError, match=r'class "disc" has 4 images but needs 6'):
        prepare(small_run, tmp_path / "out", resume=False, device="cpu", progress=silent)


def test_no_run_computes_in_less_than_float32(small_run: Path, tmp_path: Path) -> None:
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.matmul.allow_tf32 = True
    prepare(small_run, tmp_path / "out", resume=False, device="cpu", progress=silent)
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("all my work")
    with pytest.raises(InputError, match=r"is not empty and holds no run \(thesis\.tex\)"), held(tmp_path / "out"):
        pass


def test_cuda_is_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InputError, match="--device cuda: torch sees no CUDA device"):
        choose_device("cuda")
    assert choose_device("auto").type == "cpu"


@pytest.mark.parametrize(("device", "fused"), [("cuda", False), ("cpu", True)])
def test_attention_is_fused_only_where_its_gradients_are_the_same_each_time(
    device: str, fused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]):
        run._be_deterministic(0, torch.device(device))
        kinds = torch.backends.cuda
        assert (kinds.flash_sdp_enabled(), kinds.mem_efficient_sdp_enabled()) == (fused, fused)
        assert not kinds.cudnn_sdp_enabled()
        assert kinds.math_sdp_enabled()


def test_listed_classes_restrict_the_networks_answers(small_run: Path, tmp_path: Path) -> None:
    text = small_run.read_text().replace(
        'name = "Shapes"',
        'name = "Shapes"\nclasses = ["disc", "square", "stripe"]\nonly_listed_classes = true\n'
        "class_indices = { cross = 0, disc = 1, square = 2, stripe = 3 }",
    )
    small_run.write_text(text)
    run = prepare(small_run, tmp_path / "out", resume=False, device="cpu", progress=silent)
    original = run.originals["SmallCNN"]
    assert original.network.columns == (1, 2, 3)
    assert original.answers.logits.shape == (30, 4)
    assert set(original.answers.predictions) <= {1, 2, 3}
    assert run.label(1) == "disc"
    assert set(original.splits["train"].targets) == {1, 2, 3}


def test_classes_can_be_drawn_by_the_seed(small_run: Path, tmp_path: Path) -> None:
    text = small_run.read_text().replace(
        'name = "Shapes"',
        'name = "Shapes"\nnumber_of_classes = 3\nclass_indices = { cross = 0, disc = 1, square = 2, stripe = 3 }',
    )
    drawn: list[tuple[str, ...]] = []
    for seed in (5, 5, 6, 7, 8):
        small_run.write_text(text.replace("seed = 5", f"seed = {seed}"))
        run = prepare(small_run, tmp_path / f"out{len(drawn)}", resume=False, device="cpu", progress=silent)
        drawn.append(tuple(run.dataset.classes.values()))
    assert {len(labels) for labels in drawn} == {3}
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


def test_more_classes_than_there_are_cannot_be_drawn(small_run: Path, tmp_path: Path) -> None:
    small_run.write_text(small_run.read_text().replace('name = "Shapes"', 'name = "Shapes"\nnumber_of_classes = 5'))
    with pytest.raises(InputError, match=r"dataset\.number_of_classes: 5 wanted, there are 4"):
        prepare(small_run, tmp_path / "out", resume=False, device="cpu", progress=silent)


def test_a_refused_run_claims_no_folder_so_the_remedy_works(small_run: Path, tmp_path: Path) -> None:
    text = small_run.read_text()
    small_run.write_text(text.replace("seed = 5", "seed = 6").replace("pairs = 4", "pairs = 13"))
    with pytest.raises(InputError, match="lower pairs"):
        prepare(small_run, tmp_path / "out", resume=False, device="cpu", progress=silent)
    small_run.write_text(text)
    with held(tmp_path / "out"):
        prepare(small_run, tmp_path / "out", resume=False, device="cpu", progress=silent)


def test_folders_in_sorted_order_do_not_stand_for_another_number_of_classes(small_run: Path, tmp_path: Path) -> None:
    shutil.rmtree(small_run.parent / "images" / "disc")
    with pytest.raises(InputError, match=r"3 classes in sorted order cannot stand for the 4 .*dataset\.class_indices"):
        prepare(small_run, tmp_path / "out", resume=False, device="cpu", progress=silent)


def test_a_class_without_a_readable_image_is_named(small_run: Path, tmp_path: Path) -> None:
    for picture in (small_run.parent / "images" / "disc").iterdir():
        picture.write_bytes(picture.read_bytes()[:200])
    with pytest.raises(InputError, match="no image of disc can be decoded"), held(tmp_path / "out"):
        prepare(small_run, tmp_path / "out", resume=False, device="cpu", progress=silent)


def test_two_processes_do_not_work_in_one_folder(tmp_path: Path) -> None:
    busy = pytest.raises(InputError, match="another process works in this folder")
    with held(tmp_path / "out"), busy, held(tmp_path / "out"):
        pass
    with held(tmp_path / "out"):
        pass


def test_what_cannot_be_scored_is_found_before_training(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More pixels than a map has: a control's training would not notice, and scoring comes last."""
    text = small_run.read_text()
    text = text[: text.index("[[metrics]]")]
    small_run.write_text(
        text + '[[metrics]]\nname = "TopK"\noptions = { k = 1025 }\ntraining = { trainer = "ent", steps = 4 }\n'
    )
    expected = r"study\.toml: TopK x GradCAM: TopK cannot score the first images: k: 1025: .*: change its options"
    with pytest.raises(InputError, match=expected), held(tmp_path / "out"):
        prepare(small_run, tmp_path / "out", resume=False, device="cpu", progress=silent)
    assert not (tmp_path / "out" / "run.json").exists()


def test_what_cannot_be_trained_on_is_found_before_training(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Maps can be made, but the loss has no gradient: that must not wait for the condition's turn."""
    monkeypatch.setattr("attribution.metrics.rma.RMA.loss", lambda _self, explained: explained.maps.detach().sum() / 0)
    monkeypatch.setattr("attribution.trainers.fidelity.fidelity_loss", lambda wanted, _made: wanted.sum() * 0)
    with pytest.raises(RuntimeError, match="does not require grad"), held(tmp_path / "out"):
        prepare(small_run, tmp_path / "out", resume=False, device="cpu", progress=silent)
    assert not (tmp_path / "out" / "run.json").exists()
