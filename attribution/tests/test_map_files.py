import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from attribution.errors import InputError
from attribution.map_files import stored_arrays


def some_array() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(7, 4, 3)).astype(np.float32)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["npy", "npz", "compressed"])
@pytest.mark.parametrize("count", [1, 3, 7, 100])
def test_chunks_put_together_are_the_array(tmp_path: Path, kind: str, order: str, count: int) -> None:
    array = np.asarray(some_array(), order=order)  # type: ignore[call-overload]
    path = tmp_path / ("a.npy" if kind == "npy" else "a.npz")
    if kind == "npy":
        np.save(path, array)
    else:
        (np.savez if kind == "npz" else np.savez_compressed)(path, a=array)
    stored = stored_arrays(path)["a"]
    assert (stored.shape, stored.dtype) == (array.shape, array.dtype)
    chunks = list(stored.chunks(count))
    assert [len(chunk) for chunk in chunks[:-1]] == [count] * (len(chunks) - 1)
    np.testing.assert_array_equal(np.concatenate(chunks), array)


def test_an_npz_has_its_arrays_by_name_and_an_npy_one_by_the_files_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "maps.npz", original=some_array(), finetuned=some_array())
    np.save(tmp_path / "gradcam.npy", some_array())
    assert list(stored_arrays(tmp_path / "maps.npz")) == ["original", "finetuned"]
    assert list(stored_arrays(tmp_path / "gradcam.npy")) == ["gradcam"]


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_python_objects_are_never_loaded(tmp_path: Path, name: str) -> None:
    array = np.array([np.ones((2, 2)), np.ones((3, 3))], dtype=object)
    if name.endswith("y"):
        np.save(tmp_path / name, array, allow_pickle=True)
    else:
        np.savez(tmp_path / name, a=array)
    with pytest.raises(InputError, match=f"{name}: a: is an array of Python objects.*save numbers"):
        stored_arrays(tmp_path / name)


def test_a_file_that_is_missing_or_of_another_kind_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"maps.npz: no such file: mend the path"):
        stored_arrays(tmp_path / "maps.npz")
    (tmp_path / "maps.csv").write_text("1,2,3\n")
    with pytest.raises(InputError, match=r"maps.csv: is neither .npy nor .npz: save it with numpy.save"):
        stored_arrays(tmp_path / "maps.csv")
    with zipfile.ZipFile(tmp_path / "maps.pt", "w") as archive:
        archive.writestr("maps/data.pkl", b"")
    with pytest.raises(InputError, match=r"maps.pt: holds no NumPy arrays: .*from torch"):
        stored_arrays(tmp_path / "maps.pt")


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_a_file_that_ends_early_is_damaged(tmp_path: Path, name: str) -> None:
    (np.save if name.endswith("y") else np.savez)(tmp_path / name, some_array())
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[:-200])
    with pytest.raises(InputError, match=f"{name}: .*cannot be read .*save or copy it again"):
        list(next(iter(stored_arrays(tmp_path / name).values())).chunks(2))


def test_an_array_in_an_npz_that_is_shorter_than_it_says_is_damaged(tmp_path: Path) -> None:
    whole = io.BytesIO()
    np.save(whole, some_array())
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", whole.getvalue()[:-10])
    with pytest.raises(InputError, match=r"a.npz: a: cannot be read \(the file ends early\)"):
        list(stored_arrays(tmp_path / "a.npz")["a"].chunks(2))


def test_a_table_with_named_columns_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3, dtype=[("x", "f4")]))
    with pytest.raises(InputError, match=r"a.npy: a: is a table with named columns: save an array of numbers"):
        stored_arrays(tmp_path / "a.npy")
