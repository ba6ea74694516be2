"""A run's folder: what is refused, what stays in it and what goes."""

from pathlib import Path

import pytest

from attribution import pipeline
from attribution.errors import InputError
from attribution.progress import silent
from attribution.run import prepare
from attribution.workspace import check_owner, claim, held, keep_in_cache

STATE = {"seed": 5, "batch": 8, "images": "0a", "device": "cpu"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 6}, "seed"),
        ({"device": "cuda"}, "device"),
        ({"images": "0b", "batch": 4}, "batch, images"),
    ],
)
def test_another_run_is_refused_by_what_differs(tmp_path: Path, change: dict[str, object], named: str) -> None:
    claim(tmp_path, STATE)
    with pytest.raises(InputError, match=rf"holds another run \(not the same: {named}\): use another --out"):
        check_owner(tmp_path, {**STATE, **change}, resume=True)


def test_settings_of_the_data_set_are_named_where_they_differ(small_run: Path, tmp_path: Path) -> None:
    prepare(small_run, tmp_path / "out", resume=False, device="cpu", progress=silent)
    small_run.write_text(small_run.read_text().replace("train = 0.4", "train = 0.3"))
    with pytest.raises(InputError, match=r"holds another run \(not the same: dataset settings\)"):
        prepare(small_run, tmp_path / "out", resume=True, device="cpu", progress=silent)


def test_a_kill_while_a_folder_is_claimed_does_not_make_it_unusable(tmp_path: Path) -> None:
    (tmp_path / "run.json.tmp").write_text('{"seed":')
    with held(tmp_path):
        claim(tmp_path, STATE)
        check_owner(tmp_path, STATE, resume=True)


def test_what_a_killed_process_left_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / "cache" / "decoded-00-x.tmp").mkdir(parents=True)
    (tmp_path / "cache" / "decoded-00-x.tmp" / "images.npy").write_bytes(b"0" * 9)
    (tmp_path / "cache" / "maps-00-done.tmp").write_bytes(b"0")
    (tmp_path / "conditions").mkdir()
    (tmp_path / "conditions" / "rma.pt.tmp").write_bytes(b"0")
    (tmp_path / "conditions" / "rma.pt").write_bytes(b"1")
    claim(tmp_path, STATE)
    with held(tmp_path):
        left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"lock", "run.json", "conditions/rma.pt"}


def test_a_folder_that_is_held_by_another_process_loses_nothing(tmp_path: Path) -> None:
    with held(tmp_path):
        (tmp_path / "cache" / "decoded-00-x.tmp").mkdir(parents=True)
        with pytest.raises(InputError, match="another process works"), held(tmp_path):
            pass
        assert (tmp_path / "cache" / "decoded-00-x.tmp").is_dir()


def test_only_maps_and_images_that_are_of_no_use_leave_the_cache(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    for name in ("maps-1a-done.npy", "maps-1a-logits.npy", "maps-2b-done.npy", "decoded-3c", "decoded-4d", "notes.txt"):
        (cache / name).touch()
    keep_in_cache(tmp_path, ["maps-1a", "decoded-4d"])
    left = sorted(path.name for path in cache.iterdir())
    assert left == ["decoded-4d", "maps-1a-done.npy", "maps-1a-logits.npy", "notes.txt"]


def stems(out: Path) -> set[str]:
    return {path.name.rpartition("-")[0] for path in (out / "cache").glob("maps-*.npy")}


def test_after_a_build_only_images_and_original_maps_stay_in_the_cache(small_run: Path, tmp_path: Path) -> None:
    """Also where a condition is not exported, and after a run with another list of attributors."""
    out = tmp_path / "out"
    text = small_run.read_text().replace("steps = 6", "steps = 2").replace("steps = 4", "steps = 2")
    small_run.write_text(text)
    pipeline.score(small_run, out, device="cpu")
    assert len(stems(out)) == 2 + 4, "originals of two splits, and four finetuned networks"
    control = 'name = "Focus"\ntraining = { trainer = "fidelity_only", '
    fewer = text.replace('["GradCAM", "GuidedBackprop"]', '["GradCAM"]').replace("export_unimproved = true", "")
    anew = fewer.replace("weight = 0.5", "weight = 0.4")
    small_run.write_text(anew.replace('name = "Focus"\ntraining = { ', control))
    pipeline.build(small_run, out, resume=True, device="cpu")
    run = prepare(small_run, out, resume=True, device="cpu", progress=silent)
    condition = run.conditions[0]
    assert stems(out) == {run.original_maps(condition, split).stem for split in ("validation", "export")}
    assert len(list((out / "cache").glob("decoded-*"))) == 1
