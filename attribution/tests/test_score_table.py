import csv
from pathlib import Path

import numpy as np
import pytest

from attribution.cli import main
from attribution.score_maps import MapScores, chosen_metrics
from attribution.score_table import score_table, write_csv
from attribution.tests.array_frameworks import some_maps

TEXTS = ["=1+1", "@x", "-2", "+3", "\ttab", "\rreturn", 'a,b\n"c', "plain"]


def save(folder: Path, names: list[str], *, masks: bool = False) -> list[str]:
    """maps.npz with `names`, and masks.npz if asked for; the arguments that score them."""
    maps, regions = some_maps(count=len(names))
    np.savez(folder / "maps.npz", maps=maps, names=np.array(names))
    np.savez(folder / "masks.npz", masks=regions)
    given = ["--masks", str(folder / "masks.npz"), "--metrics", "RMA"] if masks else ["--metrics", "Complexity"]
    return ["score", "--maps", str(folder / "maps.npz"), *given]


def result(array: str, scores: list[float]) -> MapScores:
    metrics = chosen_metrics(["Complexity"], with_masks=False)
    return MapScores(metrics, None, {array: {"Complexity": np.array(scores)}}, {array: {"Complexity": {}}}, 0, (array,))


@pytest.mark.parametrize("which", ["maps.npz", "masks.npz"])
@pytest.mark.parametrize("how", ["itself", "through another folder", "link", "symbolic link"])
def test_the_scores_never_take_the_place_of_what_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], which: str, how: str
) -> None:
    arguments = save(tmp_path, TEXTS, masks=True)
    out = tmp_path / which
    if how == "through another folder":
        (tmp_path / "sub").mkdir()
        out = tmp_path / "sub" / ".." / which
    elif how == "link":
        out = tmp_path / "scores.csv"
        out.hardlink_to(tmp_path / which)
    elif how == "symbolic link":
        out = tmp_path / "scores.csv"
        out.symlink_to(tmp_path / which)
    before = (tmp_path / which).read_bytes()
    assert main([*arguments, "--out", str(out)]) == 2
    assert "is what is read, and would be lost: give the name of a new file" in capsys.readouterr().err
    assert (tmp_path / which).read_bytes() == before


def test_names_do_not_run_in_a_spreadsheet(tmp_path: Path) -> None:
    assert main([*save(tmp_path, TEXTS), "--out", str(tmp_path / "o.csv")]) == 0
    with (tmp_path / "o.csv").open(newline="") as stream:
        names = [row["name"] for row in csv.DictReader(stream)]
    assert names == [*("'" + text for text in TEXTS[:6]), *TEXTS[6:]]


def test_numbers_stay_numbers_beside_an_array_that_is_called_like_a_formula(tmp_path: Path) -> None:
    write_csv(tmp_path / "o.csv", result("=maps", [-0.5]))
    assert (tmp_path / "o.csv").read_text().splitlines()[1] == "'=maps,0,,Complexity,-0.5,"


def test_names_that_are_no_valid_text_are_written_as_escapes(tmp_path: Path) -> None:
    assert main([*save(tmp_path, ["a\udce9", "é"]), "--out", str(tmp_path / "o.csv")]) == 0
    lines = (tmp_path / "o.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[2] for line in lines[1:]] == ["a\\udce9", "é"]


def test_names_of_arrays_do_not_steer_the_terminal() -> None:
    shown = score_table(result("a\x1b[31m\n", [0.5, 0.5]))
    assert "\x1b" not in shown
    assert r"Summed over channels: a\x1b[31m\n." in shown.splitlines()


def test_names_of_images_do_not_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = save(tmp_path, ["b\x1b[2J\n", "c"])
    stored = dict(np.load(tmp_path / "maps.npz"))
    np.savez(tmp_path / "maps.npz", maps=stored["maps"] * np.nan, names=stored["names"])
    assert main(arguments) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert "\x1b" not in last
    assert r"maps: image 0 (b\x1b[2J\n) and 1 more: NaN" in last


def test_names_that_are_too_long_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(save(tmp_path, ["x" * 1001, "y"])) == 2
    assert "names: has names of 1,001 letters: shorten them to at most 1,000" in capsys.readouterr().err


@pytest.mark.parametrize("order", ["<", ">"])
def test_letters_that_unicode_does_not_have_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], order: str
) -> None:
    arguments = save(tmp_path, ["xy", "yz"])
    maps = np.load(tmp_path / "maps.npz")["maps"]
    names = np.array(["xy", "yz"], dtype=f"{order}U2")
    np.savez(tmp_path / "maps.npz", maps=maps, names=names)
    assert main(arguments) == 0
    names.view(f"{order}u4")[0] = 0x7FFFFFFF
    np.savez(tmp_path / "maps.npz", maps=maps, names=names)
    assert main(arguments) == 2
    assert "names: holds letters that Unicode does not have: save the names again" in capsys.readouterr().err
