"""The examples' path on photographs, where the research data lie beside the project."""

from pathlib import Path

import pytest

from attribution import pipeline
from attribution.bundle import verify_bundle
from attribution.progress import silent
from attribution.run import prepare

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"


def example(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *changes: tuple[str, str]) -> Path:
    """An example config with changes, in a folder of the test's own; skips where its data are absent."""
    if not (DATA / name).is_dir():
        pytest.skip(f"{name}: the research data are not here")
    monkeypatch.setenv("RESEARCH_DATA", str(DATA))
    text = (ROOT / "examples" / f"{name}.toml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / f"{name}.toml").write_text(text)
    return folder / f"{name}.toml"


def test_fine_tuning_on_cut_outs_raises_rma_on_images_it_has_not_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = example(
        "cutouts",
        tmp_path,
        monkeypatch,
        ("pairs = 40", "pairs = 4"),
        ('attributors = ["GradCAM", "GuidedBackprop"]', 'attributors = ["GradCAM"]'),
        ('name = "Cut-outs"', 'name = "Cut-outs"\nclasses = ["gorilla", "lemon", "pelican", "fire engine"]'),
        ("steps = 120", "steps = 8, validate_every = 8"),
        ("training_for = { GuidedBackprop = { steps = 60 } }", ""),
        ("training_for = { GuidedBackprop = { weight = 0.2, learning_rate = 6e-5, steps = 60 } }", ""),
    )
    bundle = pipeline.build(config, tmp_path / "out", device="cpu")
    verify_bundle(bundle)
    table = pipeline.table_of(bundle)
    rma = next(line for line in table.splitlines() if line.startswith("RMA x GradCAM"))
    assert "[+" in rma, f"the interval of the difference lies above zero: {table}"


def test_boxes_serve_as_masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = example(
        "boxes",
        tmp_path,
        monkeypatch,
        ("pairs = 30", "pairs = 2"),
        ('name = "Boxes"', 'name = "Boxes"\nclasses = ["koala", "iPod", "monarch"]'),
    )
    run = prepare(config, tmp_path / "out", resume=False, device="cpu", progress=silent)
    assert run.decoded.masks is not None
    for index, sample in enumerate(run.dataset.samples):
        ((x0, y0, x1, y1),) = sample.boxes
        # The pictures are 64 pixels wide and squashed to 224.
        expected = (x1 - x0 + 1) * (y1 - y0 + 1) * (224 / 64) ** 2
        assert run.decoded.masks[index].sum() == pytest.approx(expected, rel=0.02)
