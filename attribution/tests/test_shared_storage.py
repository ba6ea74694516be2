"""Shared storage, the same promises of a folder and of a bucket on a real S3 server."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from attribution import shared_folder
from attribution.errors import InputError
from attribution.shared_storage import SharedStorage

ROOT = Path(__file__).resolve().parents[2]
KINDS = ["folder", "bucket"]


def address(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if kind == "folder":
        return f"file://{tmp_path / 'shared'}"
    url: str = request.getfixturevalue("object_storage").url
    return url


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return address(request.param, request, tmp_path)


@pytest.fixture
def storage(url: str) -> SharedStorage:
    return SharedStorage.open(url)


@pytest.fixture
def folder(tmp_path: Path) -> SharedStorage:
    return SharedStorage.open(f"file://{tmp_path / 'shared'}")


def in_another_process(code: str, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE)


def test_what_was_written_is_read(storage: SharedStorage) -> None:
    storage.write("builds/7/chunk-0.npz", b"maps")
    assert storage.read("builds/7/chunk-0.npz") == b"maps"
    assert storage.exists("builds/7/chunk-0.npz")


def test_an_empty_object_is_there(storage: SharedStorage) -> None:
    storage.write("empty", b"")
    assert storage.exists("empty")
    assert storage.read("empty") == b""


def test_entries_are_the_list_with_sizes_and_the_time_of_writing(storage: SharedStorage) -> None:
    before = time.time()
    storage.write("runs/7/b", b"maps")
    storage.write("runs/7/a", b"")
    storage.write("runs/8", b"x")
    entries = storage.entries("runs/7")
    assert [(entry.name, entry.size) for entry in entries] == [("runs/7/a", 0), ("runs/7/b", 4)]
    # A bucket's clock counts whole seconds.
    assert all(before - 2 < entry.written_at < time.time() + 2 for entry in entries)


def test_writing_again_replaces(storage: SharedStorage) -> None:
    storage.write("a", b"the longer one")
    storage.write("a", b"new")
    assert storage.read("a") == b"new"


def test_an_absent_object_is_told_from_a_broken_storage(storage: SharedStorage, tmp_path: Path) -> None:
    storage.write("there", b"")
    assert not storage.exists("absent")
    with pytest.raises(FileNotFoundError):
        storage.read("absent")
    with pytest.raises(FileNotFoundError):
        storage.download("absent", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_folder_is_no_object(storage: SharedStorage) -> None:
    storage.write("builds/7/a", b"x")
    assert not storage.exists("builds/7")
    with pytest.raises(FileNotFoundError):
        storage.read("builds/7")
    storage.remove("builds/7")
    assert storage.exists("builds/7/a")


def test_a_list_has_what_is_below_a_folder_and_nothing_beside_it(storage: SharedStorage) -> None:
    for name in ("b/7/x", "b/7/deep/er/y", "b/70/z", "b/7.txt", "c"):
        storage.write(name, b"x")
    assert storage.list("b/7") == storage.list("b/7/") == ["b/7/deep/er/y", "b/7/x"]
    assert storage.list() == ["b/7.txt", "b/7/deep/er/y", "b/7/x", "b/70/z", "c"]
    assert storage.list("c") == []
    assert storage.list("absent/folder") == []


def test_a_list_of_a_new_storage_is_empty(storage: SharedStorage) -> None:
    assert storage.list() == []


WRITE_ONE = """
import sys
from attribution.shared_storage import SharedStorage
SharedStorage.open(sys.argv[1]).write("steps/2", b"")
"""


def test_what_another_process_writes_is_listed_at_once(url: str, storage: SharedStorage) -> None:
    storage.write("steps/1", b"")
    assert storage.list("steps") == ["steps/1"]
    in_another_process(WRITE_ONE, url).communicate(timeout=60)
    assert storage.list("steps") == ["steps/1", "steps/2"]


def test_removing_twice_is_no_error(storage: SharedStorage) -> None:
    storage.write("a/b", b"x")
    storage.remove("a/b")
    storage.remove("a/b")
    storage.remove("never/there")
    assert not storage.exists("a/b")


def test_removing_all_leaves_what_is_beside(storage: SharedStorage) -> None:
    for name in ("b/7/x", "b/7/deep/y", "b/70/z"):
        storage.write(name, b"x")
    storage.remove_all("b/7")
    storage.remove_all("b/7")
    assert storage.list() == ["b/70/z"]


def test_nobody_removes_the_whole_storage_by_an_empty_name(storage: SharedStorage) -> None:
    storage.write("a", b"x")
    with pytest.raises(InputError, match="cannot be used"):
        storage.remove_all("")
    assert storage.exists("a")


def test_files_are_copied_there_and_back(storage: SharedStorage, tmp_path: Path) -> None:
    source = tmp_path / "bundle.zip"
    source.write_bytes(os.urandom(3_000_000))
    storage.upload(source, "builds/7/bundle.zip")
    target = tmp_path / "copies" / "bundle.zip"
    target.parent.mkdir()
    storage.download("builds/7/bundle.zip", target)
    assert target.read_bytes() == source.read_bytes()
    assert [path.name for path in target.parent.iterdir()] == ["bundle.zip"]


def test_a_file_that_is_not_there_is_not_uploaded(storage: SharedStorage, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        storage.upload(tmp_path / "nowhere", "a")
    assert storage.list() == []


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", ".", "..", "a/../b", "../a", "a\\b", "a\nb", "a\0", "a.tmp", "n" * 801]
)
def test_names_that_lead_elsewhere_are_refused(folder: SharedStorage, name: str) -> None:
    for call in (folder.read, folder.exists, folder.remove, lambda name: folder.write(name, b"")):
        with pytest.raises(InputError, match="storage: name"):
            call(name)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("/folder", "is no address; use file:///folder or s3://bucket/prefix"),
        ("file://folder/x", "is no folder with a full path; use file:///folder"),
        ("ftp://user:secret@host/x", "'ftp' is not supported"),
        ("s3://", "is no name of a bucket; use s3://bucket/prefix"),
        ("s3://Bucket/x", "'Bucket' is no name of a bucket"),
        ("s3://key:secret@bucket/x", "put them into AWS_ACCESS_KEY_ID"),
        ("s3://bucket/a/../b", "the prefix cannot be used"),
    ],
)
def test_other_addresses_are_refused_without_telling_secrets(url: str, message: str) -> None:
    with pytest.raises(InputError, match="storage") as error:
        SharedStorage.open(url)
    assert message in str(error.value)
    assert "secret" not in str(error.value)


def test_a_reader_never_sees_half_an_object(storage: SharedStorage) -> None:
    contents = {letter: letter.encode() * 300_000 for letter in "ab"}
    storage.write("x", contents["a"])
    is_over = threading.Event()

    def write() -> None:
        for number in range(20):
            storage.write("x", contents["ab"[number % 2]])
        is_over.set()

    writer = threading.Thread(target=write)
    writer.start()
    read = {storage.read("x")}
    while not is_over.is_set():
        read.add(storage.read("x"))
    writer.join()
    assert read <= set(contents.values())


KILLED_WHILE_WRITING = """
import sys, time
from pathlib import Path
from attribution import shared_folder
def fill(file):
    file.write(b"half")
    file.flush()
    print("begun", flush=True)
    time.sleep(60)
folder = Path(sys.argv[1])
folder.mkdir(parents=True)
shared_folder.write_beside(folder / "x", fill)
"""


def test_a_process_killed_while_writing_leaves_nothing_that_is_seen(folder: SharedStorage, tmp_path: Path) -> None:
    process = in_another_process(KILLED_WHILE_WRITING, str(tmp_path / "shared" / "b"))
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    (left,) = (tmp_path / "shared" / "b").iterdir()
    assert left.name.endswith(".tmp")
    assert folder.list() == []
    assert not folder.exists("b/x")
    folder.remove_all("b")
    assert not left.exists()


LIMITED = """
import resource, signal, sys
from pathlib import Path
from attribution.shared_storage import SharedStorage
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
storage = SharedStorage.open(sys.argv[1])
storage.write("small", b"x")
for write in (
    lambda: storage.write("large", b"x" * 5000),
    lambda: storage.upload(Path(sys.argv[2]), "uploaded"),
    lambda: SharedStorage.open(sys.argv[3]).download("large", Path(sys.argv[4])),
):
    try:
        write()
    except OSError as error:
        print(type(error).__name__, flush=True)
"""


def test_a_full_disk_leaves_nothing_behind(folder: SharedStorage, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"x" * 5000)
    other = tmp_path / "other"
    SharedStorage.open(f"file://{other}").write("large", b"x" * 5000)
    process = in_another_process(
        LIMITED, f"file://{tmp_path / 'shared'}", str(large), f"file://{other}", str(tmp_path / "copy")
    )
    printed, _ = process.communicate(timeout=60)
    assert printed.split() == [b"OSError"] * 3
    assert [path.name for path in (tmp_path / "shared").iterdir()] == ["small"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["large", "other", "shared"]


def test_a_full_disk_keeps_what_was_there_before(folder: SharedStorage, tmp_path: Path) -> None:
    folder.write("large", b"before")
    process = in_another_process(LIMITED, f"file://{tmp_path / 'shared'}", "/dev/null", "file:///", str(tmp_path / "c"))
    process.communicate(timeout=60)
    assert folder.read("large") == b"before"


def test_a_download_from_a_bucket_onto_a_full_disk_leaves_nothing(object_storage: Any, tmp_path: Path) -> None:
    SharedStorage.open(object_storage.url).write("large", b"x" * 5000)
    process = in_another_process(
        LIMITED, f"file://{tmp_path / 'shared'}", "/dev/null", object_storage.url, str(tmp_path / "copy")
    )
    printed, _ = process.communicate(timeout=60)
    # Not called a failure of the storage, which has none.
    assert printed.split()[-1] == b"OSError"
    assert [path.name for path in tmp_path.iterdir()] == ["shared"]


def test_a_folder_deleted_under_a_write_is_made_again(
    folder: SharedStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = shared_folder._make_folder
    deleted: list[Path] = []

    def make_and_lose(path: Path) -> None:
        made(path)
        if not deleted:
            deleted.append(path)
            path.rmdir()

    monkeypatch.setattr(shared_folder, "_make_folder", make_and_lose)
    folder.write("b/7/x", b"x")
    assert deleted
    assert folder.read("b/7/x") == b"x"


def test_an_unreadable_folder_does_not_pass_for_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: object) -> None:
        raise PermissionError(13, "no", str(path))

    storage = SharedStorage.open(f"file://{tmp_path}")
    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(PermissionError):
        storage.list("b")


def test_nothing_of_s3_is_loaded_for_a_folder() -> None:
    code = (
        "import sys; from attribution.shared_storage import SharedStorage as S; S.open('file:///tmp/x').exists('a'); "
        "print(sorted({'s3fs', 'fsspec', 'botocore', 'aiohttp', 'torch', 'django'} & set(sys.modules)))"
    )
    process = in_another_process(code)
    assert process.communicate(timeout=60)[0].strip() == b"[]"
