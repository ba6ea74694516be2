import csv
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from attribution.cli import main
from attribution.metrics.relevance_mass import relevance_mass
from attribution.metrics.sparseness import sparseness
from attribution.score_maps import CHUNK, MAP_METRICS, chosen_metrics, open_maps, score_maps
from attribution.statistics import paired_difference
from attribution.tests.array_frameworks import some_maps

COUNT = CHUNK + 5  # more than one chunk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """maps.npz with `original` and `finetuned`, masks.npz; image 3 has no mask, original map 5 is negative."""
    original, masks = some_maps(count=COUNT)
    masks[3] = False
    original[5] = -1
    np.savez(tmp_path / "maps.npz", original=original, finetuned=original + 0.5 * masks)
    np.savez(tmp_path / "masks.npz", masks=masks)
    return tmp_path


def arguments(folder: Path, *more: str) -> list[str]:
    return ["score", "--maps", str(folder / "maps.npz"), "--masks", str(folder / "masks.npz"), *more]


def refusal(capsys: pytest.CaptureFixture[str], folder: Path, *more: str) -> str:
    assert main(arguments(folder, *more)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    return printed.err.splitlines()[-1]


def test_the_table_has_means_intervals_reasons_and_the_paired_difference(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(folder, "--metrics", "RMA", "Sparseness")) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    maps, masks = np.load(folder / "maps.npz"), np.load(folder / "masks.npz")["masks"]
    before, after = relevance_mass(maps["original"], masks), relevance_mass(maps["finetuned"], masks)
    change = paired_difference(before, after, seed=0)
    assert lines[2][:4] == ["original", "RMA", "higher", f"{np.nanmean(before):.3f}"]
    assert " ".join(lines[2][6:]) == f"{COUNT - 2} 2: 1 empty mask, 1 no positive relevance"
    assert lines[3] == [*lines[3][:6], str(COUNT)]
    assert lines[6][3:8] == [
        "RMA",
        "higher",
        f"{change.difference:+.3f}",
        f"[{change.low:+.3f},",
        f"{change.high:+.3f}]",
    ]
    assert " ".join(lines[6][8:]) == f"{COUNT - 2} 2: before or after"


def test_the_csv_has_every_score_or_the_reason_why_there_is_none(folder: Path) -> None:
    assert main(arguments(folder, "--metrics", "RMA", "Sparseness", "--out", str(folder / "scores.csv"))) == 0
    with (folder / "scores.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * COUNT * 2
    by_place = {(row["maps"], int(row["image"]), row["metric"]): row for row in rows}
    maps, masks = np.load(folder / "maps.npz"), np.load(folder / "masks.npz")["masks"]
    for array in ("original", "finetuned"):
        mass, gini = relevance_mass(maps[array], masks), sparseness(maps[array])
        for image in range(COUNT):
            row = by_place[array, image, "RMA"]
            found = float(row["score"]) if row["score"] else math.nan
            np.testing.assert_array_equal(found, mass[image])
            assert float(by_place[array, image, "Sparseness"]["score"]) == gini[image]
    assert by_place["original", 3, "RMA"]["undefined"] == "empty mask"
    assert by_place["original", 5, "RMA"]["undefined"] == "no positive relevance"
    assert by_place["finetuned", 4, "RMA"]["undefined"] == ""
    assert [path.name for path in folder.iterdir() if "tmp" in path.name] == []


def test_a_failed_write_leaves_the_old_file_as_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "scores.csv").write_text("old")

    def full_disk(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        main(arguments(folder, "--out", str(folder / "scores.csv"), "--metrics", "RMA"))
    assert (folder / "scores.csv").read_text() == "old"
    assert [path.name for path in folder.iterdir() if "tmp" in path.name] == []


@pytest.mark.parametrize("form", ["bool", "0/1", "0/255", "float"])
def test_masks_may_be_bool_or_two_numbers(folder: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(folder, "--metrics", "RRA")) == 0
    expected = capsys.readouterr().out
    masks = np.load(folder / "masks.npz")["masks"]
    made = {"bool": masks, "0/1": masks.astype(np.int64), "0/255": masks * np.uint8(255), "float": masks.astype("f4")}
    np.savez_compressed(folder / "masks.npz", anything=made[form])
    assert main(arguments(folder, "--metrics", "RRA")) == 0
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize(
    ("change", "value"), [((2, 1, 1), 128), ((COUNT - 1, 0, 0), 7), ((1, 1, 1), -1), ((0, 0, 0), 1)]
)
def test_masks_of_other_values_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], change: tuple[int, int, int], value: int
) -> None:
    masks = np.load(folder / "masks.npz")["masks"].astype(np.int16) * 255
    masks[0, 1, 1] = 255
    masks[change] = value
    np.savez(folder / "masks.npz", masks)
    message = refusal(capsys, folder, "--metrics", "RMA")
    assert "masks.npz: arr_0: images" in message
    assert "masks hold 0 and 1, or 0 and 255: save `mask > threshold`" in message


def test_channels_are_summed_and_the_table_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    maps = np.load(folder / "maps.npz")["original"]
    np.savez(folder / "maps.npz", three=np.stack([0.25 * maps, maps, -0.25 * maps], axis=1), one=maps)
    assert main(arguments(folder, "--metrics", "RMA")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[1:] == lines[3].split()[1:]
    assert lines[5] == "Summed over channels: three."


def test_names_of_images_go_into_the_csv_and_must_agree(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    maps, masks = np.load(folder / "maps.npz")["original"], np.load(folder / "masks.npz")["masks"]
    names = np.array([f"image-{index}.png" for index in range(COUNT)])
    np.savez(folder / "maps.npz", maps=maps, names=names)
    np.savez(folder / "masks.npz", masks=masks, names=names)
    assert main(arguments(folder, "--metrics", "RMA", "--out", str(folder / "scores.csv"))) == 0
    assert "maps,6,image-6.png,RMA," in (folder / "scores.csv").read_text()
    capsys.readouterr()
    np.savez(folder / "masks.npz", masks=masks, names=names[::-1])
    assert f"masks.npz: names: image 0 is 'image-{COUNT - 1}.png' and 'image-0.png' in" in refusal(capsys, folder)


def test_masks_of_the_whole_image_are_counted_in_a_note(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    masks = np.load(folder / "masks.npz")["masks"]
    masks[[1, 2]] = True
    np.savez(folder / "masks.npz", masks)
    assert main(arguments(folder, "--metrics", "RMA", "Complexity")) == 0
    assert "Masks that cover the whole image: 2; any map scores 1 there (RMA)." in capsys.readouterr().out


def test_without_masks_the_metrics_that_need_none_are_scored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "--maps", str(folder / "maps.npz")]) == 0
    shown = {line.split()[1] for line in capsys.readouterr().out.splitlines() if line.startswith("original")}
    assert shown == {"Sparseness", "Complexity"}


def test_options_reach_the_metric(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--option", "PointingGame.tolerance=0", "--option", "TopK.k=10"]
    metrics = chosen_metrics(["PointingGame", "TopK"], options[1::2], with_masks=True)
    assert [repr(metric) for metric in metrics.values()] == ["PointingGame(tolerance=0)", "TopK(k=10)"]
    assert main(arguments(folder, *options)) == 0
    assert "TopK" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--metrics", "RAM"], "error: --metrics: unknown metric 'RAM': did you mean"),
        (["--metrics", "Focus"], "error: --metrics: Focus asks the network again and cannot be computed from maps"),
        (
            ["--metrics", "RMA", "TopK"],
            "original: TopK looks at k = 1000 pixels, and a map of 9 x 7 has 63: --option TopK.k=NUMBER takes fewer, "
            "or leave TopK out of --metrics",
        ),
        (["--metrics", "RMA", "--option", "TopK.k=5"], "error: --option: 'TopK.k=5': 'TopK' is not among the metrics"),
        (["--option", "TopK:k=5"], "error: --option: 'TopK:k=5': write METRIC.OPTION=VALUE, as in TopK.k=50"),
        (["--option", "TopK.size=5"], "error: --option: TopK does not take {'size': 5}"),
        (["--option", "TopK.k=many"], "error: --option: TopK does not take {'k': 'many'}"),
        (["--out", "/nowhere/scores.csv"], "error: --out: /nowhere/scores.csv: cannot write into the folder /nowhere"),
        (["--out", "."], "error: --out: .: is a folder: give the name of a CSV file"),
        (["--out", "scores.npz"], "error: --out: scores.npz: is no name of a CSV file: let it end in .csv"),
        (["--device", "cpu"], "error: score: --device belongs to a config: maps in files are scored on the CPU"),
    ],
)
def test_what_cannot_be_asked_for_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    assert message in refusal(capsys, folder, *more)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_maps_that_are_not_finite_are_refused_before_scoring(
    folder: Path, capsys: pytest.CaptureFixture[str], bad: float
) -> None:
    maps = np.load(folder / "maps.npz")["original"]
    maps[[4, COUNT - 1], 2, 2] = bad
    np.savez(folder / "maps.npz", gradcam=maps)
    message = refusal(capsys, folder, "--metrics", "RMA", "--out", str(folder / "scores.csv"))
    assert "maps.npz: gradcam: image 4 and 1 more: NaN or infinite values: leave these images out" in message
    assert not (folder / "scores.csv").exists()


@pytest.mark.parametrize(
    ("maps", "masks", "message"),
    [
        (
            np.ones((4, 9, 9)),
            np.ones((5, 9, 9), bool),
            "masks: counts 5 images and .*maps.npz: maps 4: they must be of",
        ),
        (np.ones((4, 9, 9)), np.ones((4, 9, 8), bool), "maps: is 9 x 9 and .*masks is 9 x 8: resize one of them"),
        (np.ones((4, 9)), np.ones((4, 9, 9), bool), r"maps: has shape \(4, 9\): maps are \[N, H, W\] or"),
        (np.ones((4, 9, 9)), np.ones((4, 1, 9, 9), bool), r"masks: has shape .*: masks are \[N, H, W\]"),
        (np.ones((0, 9, 9)), np.ones((0, 9, 9), bool), "maps: has shape .* is empty"),
        (np.ones((4, 9, 9), bool), np.ones((4, 9, 9)), "maps: is bool: .*are --maps and --masks swapped"),
        (np.ones((4, 9, 9), complex), np.ones((4, 9, 9), bool), "maps: is of type complex128: give real numbers"),
        (np.ones((4, 9, 9)), np.full((4, 9, 9), "x"), "masks: is of type <U1: give masks as bool"),
        (np.array(3.0), np.ones((4, 9, 9), bool), "maps: is a single number"),
    ],
)
def test_arrays_that_do_not_fit_are_named_with_file_and_remedy(
    folder: Path, capsys: pytest.CaptureFixture[str], maps: np.ndarray, masks: np.ndarray, message: str
) -> None:
    np.savez(folder / "maps.npz", maps=maps)
    np.savez(folder / "masks.npz", masks=masks)
    assert re.search(message, refusal(capsys, folder, "--metrics", "RMA"))


def test_two_arrays_of_masks_and_two_maps_of_one_name_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    masks = np.load(folder / "masks.npz")["masks"]
    np.savez(folder / "two.npz", a=masks, b=masks)
    assert "two.npz: holds the arrays a, b: leave one" in refusal(capsys, folder, "--masks", str(folder / "two.npz"))
    (folder / "copy.npz").write_bytes((folder / "maps.npz").read_bytes())
    twice = ["--maps", str(folder / "maps.npz"), str(folder / "copy.npz")]
    assert "has an array of this name too: rename one" in refusal(capsys, folder, *twice)


def test_masks_are_asked_for_where_a_metric_needs_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "--maps", str(folder / "maps.npz"), "--metrics", "RRA"]) == 2
    assert "error: --masks: RRA needs masks: give a file with them, or leave RRA out" in capsys.readouterr().err


def test_config_and_maps_exclude_each_other_and_one_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "study.toml", "--maps", "maps.npz"]) == 2
    assert "give a config or --maps, not both" in capsys.readouterr().err
    assert main(["score"]) == 2
    assert "nothing to score: give a run's config, or --maps" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option",
    [["--masks", "masks.npz"], ["--metrics", "RMA"], ["--option", "TopK.k=5"], ["--seed", "9"], ["--seed", "0"]],
)
def test_options_of_maps_are_refused_with_a_config(capsys: pytest.CaptureFixture[str], option: list[str]) -> None:
    assert main(["score", "study.toml", *option]) == 2
    assert f"score: {option[0]} belongs to --maps" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["score", "--maps", "maps.npz"], ["score", "study.toml"], ["export", "study.toml"]]
)
def test_resume_is_an_option_of_fine_tuning_alone(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*command, "--resume"])
    assert "unrecognized arguments: --resume" in capsys.readouterr().err


def test_a_metric_that_the_default_set_has_too_many_pixels_for_is_left_out_with_a_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(folder)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[1] for line in lines if line.startswith("original")} == set(MAP_METRICS) - {"TopK"}
    assert lines[-1].startswith("TopK is left out. ")
    assert lines[-1].endswith("a map of 9 x 7 has 63: --option TopK.k=NUMBER takes fewer.")


def test_images_that_come_fewer_at_a_time_score_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = open_maps([folder / "maps.npz"], folder / "masks.npz")
    metrics = chosen_metrics(["RMA", "Complexity"], with_masks=True)
    whole = score_maps(files, metrics)
    monkeypatch.setattr("attribution.map_files.CHUNK_BYTES", 3 * 8 * 9 * 7)
    assert next(iter(files.maps.values())).images_at_once(CHUNK) == 3
    for array, by_metric in score_maps(files, metrics).scores.items():
        for name, scores in by_metric.items():
            np.testing.assert_array_equal(scores, whole.scores[array][name])


def test_ctrl_c_promises_no_resuming(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("attribution.score_maps.check_values", interrupted)
    assert main(arguments(folder, "--metrics", "RMA")) == 130
    printed = capsys.readouterr().err
    assert "interrupted." in printed
    assert "--resume" not in printed


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int32, np.uint8, ">f4"])
def test_numbers_of_every_type_score_like_their_values(folder: Path, kind: str) -> None:
    maps = some_maps(2, count=6)[0]
    maps = np.round(np.abs(maps) * 40).astype(kind)
    np.save(folder / "maps.npy", maps)
    files = open_maps([folder / "maps.npy"], None)
    found = score_maps(files, chosen_metrics(["Complexity", "Sparseness"], with_masks=False)).scores["maps"]
    np.testing.assert_allclose(found["Sparseness"], sparseness(maps.astype(np.float64)), rtol=1e-14)


def test_files_score_like_the_metric_of_a_study(folder: Path) -> None:
    files = open_maps([folder / "maps.npz"], folder / "masks.npz")
    metrics = chosen_metrics(None, ["TopK.k=9", "PointingGame.tolerance=1"], with_masks=True)
    found = score_maps(files, metrics)
    maps, masks = np.load(folder / "maps.npz")["finetuned"], np.load(folder / "masks.npz")["masks"]
    for name, metric in metrics.items():
        given = torch.from_numpy(masks) if metric.needs_masks else None
        expected = metric.of_maps(torch.from_numpy(maps), given)
        np.testing.assert_allclose(found.scores["finetuned"][name], expected.numpy(), atol=1e-14)
