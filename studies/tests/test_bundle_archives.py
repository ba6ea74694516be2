"""Bundles in archives: their pictures are read where they are, and are checked as those of a folder."""

import errno
import hashlib
import io
import os
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from studies.bundles.archive import unpack_bundle
from studies.bundles.errors import BundleError
from studies.bundles.pictures import READ_AT_ONCE
from studies.media import sizes_below, stored_bytes
from studies.models import Picture, Study
from studies.services import Loaded, load_bundle
from studies.tests.bundles import read_fixture_text, write_bundle, write_fixture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_media")]

Contents = dict[str, bytes]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle", slug="small", images=2)


@pytest.fixture
def contents(bundle: Path) -> Contents:
    return contents_of(bundle)


def contents_of(bundle: Path) -> Contents:
    files = sorted(path for path in bundle.rglob("*") if path.is_file())
    return {str(path.relative_to(bundle)): path.read_bytes() for path in files}


def packed(contents: Contents, method: int = zipfile.ZIP_STORED) -> io.BytesIO:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as opened:
        for name, content in contents.items():
            opened.writestr(name, content)
    return archive


def loaded(archive: io.BytesIO, folder: Path) -> Loaded:
    return load_bundle(folder=folder, pictures=unpack_bundle(archive, folder))


def of_one_size(bundle: Path, side: int) -> list[bytes]:
    """Give every picture of a bundle new noise of this size."""
    made = []
    for digest in sorted(path.stem for path in bundle.glob("media/*")):
        image = Image.frombytes("RGB", (side, side), os.urandom(3 * side * side))
        target = io.BytesIO()
        image.save(target, "PNG", compress_level=0)
        made.append(target.getvalue())
        objects, files = read_fixture_text(bundle)
        new = hashlib.sha256(made[-1]).hexdigest()
        (bundle / "media" / f"{digest}.png").unlink()
        (bundle / "media" / f"{new}.png").write_bytes(made[-1])
        files = {name.replace(digest, new): told.replace(digest, new) for name, told in files.items()}
        for item in objects:
            fields = item["fields"]
            if fields.get("digest") == digest:
                fields.update(digest=new, width=side, height=side)
            fields.update({name: [new] for name, value in fields.items() if value == [digest]})
        write_fixture(bundle, objects, files)
    return made


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_is_loaded_as_its_folder_is(contents: Contents, bundle: Path, tmp_path: Path, method: int) -> None:
    assert loaded(packed(contents, method), tmp_path / "unpacked").copied == 14
    assert {name: stored_bytes(name) for name in sizes_below("")} == {
        name.replace("media/", "pictures/"): content for name, content in contents.items() if name.startswith("media/")
    }
    assert load_bundle(folder=bundle).change.value == "unchanged"


def test_the_pictures_of_an_archive_are_not_unpacked(contents: Contents, tmp_path: Path) -> None:
    loaded(packed(contents), tmp_path / "unpacked")
    assert sorted(path.name for path in (tmp_path / "unpacked").iterdir()) == ["manifest.json", "study.json"]


def test_a_picture_that_is_missing_in_an_archive_is_named(contents: Contents, tmp_path: Path) -> None:
    lost = max(contents, key=lambda name: name.startswith("media/"))
    del contents[lost]
    with pytest.raises(BundleError, match=rf"^{lost}: the file is missing; pack the bundle's folder again"):
        loaded(packed(contents), tmp_path / "unpacked")
    assert not Picture.objects.exists()


def test_a_picture_with_other_bytes_than_its_name_says_is_named(contents: Contents, tmp_path: Path) -> None:
    first, second = [name for name in contents if name.startswith("media/")][:2]
    contents[first] = contents[second]
    with pytest.raises(BundleError, match=rf"^{first}: its SHA-256 is"):
        loaded(packed(contents), tmp_path / "unpacked")
    assert not Picture.objects.exists()


def test_an_archive_that_was_damaged_on_its_way_is_refused(contents: Contents, tmp_path: Path) -> None:
    picture = next(content for name, content in contents.items() if name.startswith("media/"))
    damaged = packed(contents).getvalue().replace(picture, bytes(len(picture)))
    with pytest.raises(BundleError, match=r"^archive: cannot be unpacked \(Bad CRC-32"):
        loaded(io.BytesIO(damaged), tmp_path / "unpacked")
    assert not Study.objects.exists()


def test_a_picture_that_unfolds_to_more_than_it_says_is_not_unfolded(contents: Contents, tmp_path: Path) -> None:
    large = 64 * 1024 * 1024
    name = next(name for name in contents if name.startswith("media/"))
    honest = packed({**contents, name: bytes(large)}, zipfile.ZIP_DEFLATED).getvalue()
    lying = honest.replace(large.to_bytes(4, "little"), (10).to_bytes(4, "little"))
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match=r"archive: cannot be unpacked|its SHA-256 is"):
            loaded(io.BytesIO(lying), tmp_path / "unpacked")
        assert tracemalloc.get_traced_memory()[1] < large // 4
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("is_packed", [True, False])
def test_pictures_that_are_not_read_at_once_are_stored_whole(bundle: Path, tmp_path: Path, is_packed: bool) -> None:
    made = of_one_size(bundle, 600)
    assert len(made[0]) > READ_AT_ONCE
    if is_packed:
        loaded(packed(contents_of(bundle)), tmp_path / "unpacked")
    else:
        load_bundle(folder=bundle)
    assert sorted(stored_bytes(name) for name in sizes_below("pictures")) == sorted(made)


@pytest.mark.parametrize("side", [8, 600])
def test_a_full_disk_is_not_told_as_a_fault_of_the_archive(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: int
) -> None:
    of_one_size(bundle, side)

    def full(*_arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("studies.services.picture_storage.whole_file_write", full)
    with pytest.raises(OSError, match="No space left") as raised:
        loaded(packed(contents_of(bundle)), tmp_path / "unpacked")
    assert not isinstance(raised.value, BundleError)
    assert not default_storage.exists("pictures")
