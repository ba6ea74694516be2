import io
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from attribution.errors import InputError
from attribution.map_files import CHUNK_BYTES, HEADER_BYTES, stored_arrays


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
    with pytest.raises(InputError, match=f"{name}: .*save or copy it again"):
        list(next(iter(stored_arrays(tmp_path / name).values())).chunks(2))


def test_an_array_in_an_npz_that_is_shorter_than_it_says_is_damaged(tmp_path: Path) -> None:
    whole = io.BytesIO()
    np.save(whole, some_array())
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", whole.getvalue()[:-10])
    with pytest.raises(
        InputError, match=r"a.npz: a: says it is \(7, 4, 3\) of float32, which is 336 bytes, and has 326"
    ):
        stored_arrays(tmp_path / "a.npz")


def test_a_table_with_named_columns_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3, dtype=[("x", "f4")]))
    with pytest.raises(InputError, match=r"a.npy: a: is a table with named columns: save an array of numbers"):
        stored_arrays(tmp_path / "a.npy")


def header(shape: object, *, fortran: bool = False, kind: str = "<f8") -> bytes:
    text = repr({"descr": kind, "fortran_order": fortran, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@contextmanager
def packed(path: Path) -> Iterator[IO[bytes]]:
    """A member of an archive that is written bit by bit."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written, written.open("m.npy", "w") as member:
        yield member


def archive(path: Path, content: bytes, packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as written:
        written.writestr("m.npy", content)
    return path


@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 10**6, 10**6), "says it is .* 8,000,000,000,000 bytes, and has 512: save or copy"),
        ((10**13, 8, 8), "says it is .*bytes, and has 512"),
        ((10**30, 8, 8), "says it is .*bytes, and has 512"),
        ((2, 8, 8), "says it is .* 1,024 bytes, and has 512"),
        ((1, 8, 7), "says it is .* 448 bytes, and has 512"),
        ((-1, 8, 8), r"says its shape is \(-1, 8, 8\), which none can be: save it with"),
        ((1, -8, -8), r"says its shape is \(1, -8, -8\)"),
        ((True, 8, 8), r"says its shape is \(True, 8, 8\)"),
        ((1.0, 8, 8), "cannot be read .*shape is not valid"),
    ],
)
def test_a_shape_that_the_bytes_do_not_bear_out_is_refused(
    tmp_path: Path, suffix: str, fortran: bool, shape: object, message: str
) -> None:
    content = header(shape, fortran=fortran) + b"\0" * 512
    path = tmp_path / f"m.{suffix}"
    if suffix == "npy":
        path.write_bytes(content)
    else:
        archive(path, content)
    with pytest.raises(InputError, match=rf"m\.{suffix}: m: {message}"):
        stored_arrays(path)


def test_a_small_file_with_a_huge_image_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "m.npz", "w", zipfile.ZIP_DEFLATED) as written,
        written.open("m.npy", "w") as member,
    ):
        member.write(header((1, 10_000, 8_000), kind="|u1"))
        for _ in range(80):
            member.write(bytes(10**6))
    assert (tmp_path / "m.npz").stat().st_size < 10**6
    with pytest.raises(InputError, match=r"m: has shape .* an image takes 610 MiB of memory.*: resize the maps"):
        stored_arrays(tmp_path / "m.npz")


def test_large_images_come_fewer_at_a_time(tmp_path: Path) -> None:
    side = 1024
    np.save(tmp_path / "a.npy", np.zeros((9, side, side), np.uint8))
    stored = stored_arrays(tmp_path / "a.npy")["a"]
    assert stored.images_at_once(32) == CHUNK_BYTES // (8 * side * side) == 4
    assert stored.images_at_once(3) == 3


def encrypted(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + place] |= 1
    path.write_bytes(content)


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[60:90] = bytes(byte ^ 0xFF for byte in content[60:90])
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("packing", "harm", "message"),
    [
        (zipfile.ZIP_DEFLATED, encrypted, "encrypted"),
        (zipfile.ZIP_DEFLATED, damaged, ""),
        (zipfile.ZIP_LZMA, damaged, ""),
        (zipfile.ZIP_BZIP2, damaged, ""),
        (zipfile.ZIP_STORED, damaged, ""),
    ],
)
def test_an_archive_that_cannot_be_unpacked_is_named(
    tmp_path: Path, packing: int, harm: Callable[[Path], None], message: str
) -> None:
    path = archive(tmp_path / "m.npz", header((5, 8, 8)) + np.random.default_rng(1).bytes(2560), packing)
    harm(path)
    with pytest.raises(InputError, match=rf"m\.npz: m: cannot be read \(.*{message}.*\): save or copy it again"):
        list(stored_arrays(path)["m"].chunks(2))


@pytest.mark.parametrize("text", [b"(" * 9000, b"-" * 9000 + b"1", b"[" * 9000 + b"]" * 9000, b"\xff\xfe"])
def test_a_header_that_is_no_header_is_named(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "m.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
    with pytest.raises(InputError, match=r"m\.npy: m: cannot be read"):
        stored_arrays(tmp_path / "m.npy")


def test_no_more_of_a_header_is_read_than_numpy_takes(tmp_path: Path) -> None:
    size = 10**8
    with (
        zipfile.ZipFile(tmp_path / "m.npz", "w", zipfile.ZIP_DEFLATED) as written,
        written.open("m.npy", "w") as member,
    ):
        member.write(b"\x93NUMPY\x02\x00" + size.to_bytes(4, "little"))
        for _ in range(100):
            member.write(b" " * 10**6)
    tracemalloc.start()
    with pytest.raises(InputError, match=r"m\.npz: m: cannot be read"):
        stored_arrays(tmp_path / "m.npz")
    assert tracemalloc.get_traced_memory()[1] < 100 * HEADER_BYTES
    tracemalloc.stop()


def test_two_arrays_of_one_name_in_an_archive_are_refused(tmp_path: Path) -> None:
    content = header((1, 8, 8)) + b"\0" * 512
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as written:
        written.writestr("m.npy", content)
        with pytest.warns(UserWarning, match="Duplicate name"):
            written.writestr("m.npy", content)
    with pytest.raises(InputError, match=r"m\.npz: m: stands in the file twice: save it again"):
        stored_arrays(tmp_path / "m.npz")


def test_an_arrays_name_does_not_steer_the_terminal(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as written:
        written.writestr("a\x1b[31mred.npy", header((1, 8, 8)) + b"\0" * 512)
    assert str(stored_arrays(tmp_path / "m.npz")["a\x1b[31mred"]) == rf"{tmp_path}/m.npz: a\x1b[31mred"
