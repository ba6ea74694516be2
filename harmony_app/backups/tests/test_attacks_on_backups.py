"""Backups that were damaged, cut off or made to do harm: refused by name, with nothing written."""

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harmony_app.backups.manifest import BackupError, media_file
from harmony_app.backups.restoring import backup_restore
from harmony_app.backups.tests.conftest import Made
from harmony_app.backups.tests.made import is_empty, stored

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(made: Made, tmp_path: Path) -> Path:
    """A copy of the backup that may be damaged."""
    return shutil.copytree(made.folder, tmp_path / "backups")


@pytest.fixture
def refused(media: Path) -> Callable[[Path, str], None]:
    """Restore what must be refused, and look that nothing was written."""

    def check(path: Path, said: str) -> None:
        with pytest.raises(BackupError, match=said):
            backup_restore(path=path, write=True)
        assert is_empty()
        assert stored(media) == {}

    return check


def dump(folder: Path) -> Path:
    return next(folder.glob("2*Z"))


def change_a_byte(path: Path, where: int = -9) -> None:
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)


def rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest, with a digest that fits, as somebody would who wants to do harm."""
    path = dump(folder) / "manifest.json"
    manifest = json.loads(path.read_bytes())
    change(manifest)
    content = json.dumps(manifest).encode()
    path.write_bytes(content)
    (dump(folder) / "manifest.sha256").write_text(f"{hashlib.sha256(content).hexdigest()}  manifest.json\n")


def replace_lines(folder: Path, name: str, lines: list[str]) -> None:
    """Write another file of lines into the backup, and make the manifest fit it."""
    content = gzip.compress("".join(f"{line}\n" for line in lines).encode())
    (dump(folder) / name).write_bytes(content)
    facts = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    def change(manifest: dict[str, Any]) -> None:
        for entry in (*manifest["tables"], manifest["media"]):
            if entry["file"] == name:
                entry.update(facts)

    rewrite(folder, change)


@pytest.mark.parametrize("name", ["tables/studies.response.jsonl.gz", "media.jsonl.gz"])
def test_one_changed_byte_in_a_dump_is_found(folder: Path, refused: Any, name: str) -> None:
    change_a_byte(dump(folder) / name)
    refused(folder, f"{name} is not as it was written")


def test_one_changed_byte_in_a_picture_is_found(folder: Path, refused: Any) -> None:
    picture = next(path for path in (folder / "media").rglob("*") if path.is_file())
    change_a_byte(picture)
    refused(folder, f"{picture.name} is not as it was written")


def test_one_changed_letter_in_the_manifest_is_found(folder: Path, refused: Any) -> None:
    path = dump(folder) / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"engine": "sqlite"', b'"engine": "sqlitf"'))
    refused(folder, r"manifest\.json is not as it was written")


def test_a_missing_picture_is_named(folder: Path, refused: Any) -> None:
    picture = next(path for path in (folder / "media").rglob("*") if path.is_file())
    picture.unlink()
    refused(folder, f"{picture.name}: is missing; copy the whole folder")


def test_a_missing_table_is_named(folder: Path, refused: Any) -> None:
    (dump(folder) / "tables/studies.user.jsonl.gz").unlink()
    refused(folder, r"studies\.user\.jsonl\.gz: is missing")


def test_a_dump_without_a_manifest_is_none(folder: Path, refused: Any) -> None:
    (dump(folder) / "manifest.json").unlink()
    refused(folder, "holds no whole backup")


def test_a_link_in_place_of_a_file_is_not_followed(folder: Path, refused: Any, tmp_path: Path) -> None:
    picture = next(path for path in (folder / "media").rglob("*") if path.is_file())
    picture.rename(tmp_path / "elsewhere")
    picture.symlink_to(tmp_path / "elsewhere")
    refused(folder, "is no plain file")


def test_a_pipe_in_place_of_a_file_is_not_waited_for(folder: Path, refused: Any) -> None:
    table = dump(folder) / "tables/studies.user.jsonl.gz"
    table.unlink()
    os.mkfifo(table)
    refused(folder, "is no plain file")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_tar_that_is_cut_off_is_refused(made: Made, refused: Any, tmp_path: Path, share: float) -> None:
    content = made.tar.read_bytes()
    cut = tmp_path / "cut.tar"
    cut.write_bytes(content[: int(share * len(content))])
    refused(cut, "cut off|no whole .tar file|cannot be read")


def test_an_empty_or_strange_file_is_no_backup(refused: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.tar").write_bytes(b"")
    refused(tmp_path / "empty.tar", "no whole .tar file")
    (tmp_path / "zip.tar").write_bytes(b"PK\x03\x04" + 2000 * b"x")
    refused(tmp_path / "zip.tar", "no whole .tar file")


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "media/../../outside", "tables/../../x.y.jsonl.gz", "media/aa/..", "a\\b"]
)
def test_a_tar_with_names_that_lead_elsewhere_is_refused(made: Made, refused: Any, tmp_path: Path, name: str) -> None:
    hostile = shutil.copy(made.tar, tmp_path / "hostile.tar")
    with tarfile.open(hostile, "a") as tar:
        member = tarfile.TarInfo(name)
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    refused(Path(hostile), "which no backup does")
    assert not (tmp_path.parent / "outside").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_a_tar_with_links_or_devices_is_refused(made: Made, refused: Any, tmp_path: Path, kind: bytes) -> None:
    hostile = shutil.copy(made.tar, tmp_path / "hostile.tar")
    with tarfile.open(hostile, "a") as tar:
        member = tarfile.TarInfo(media_file("0" * 64))
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member)
    refused(Path(hostile), "is no plain file")


def test_a_tar_that_holds_a_file_twice_is_refused(made: Made, refused: Any, tmp_path: Path) -> None:
    hostile = shutil.copy(made.tar, tmp_path / "hostile.tar")
    with tarfile.open(hostile, "a") as tar:
        member = tarfile.TarInfo("manifest.json")
        member.size = 2
        tar.addfile(member, io.BytesIO(b"{}"))
    refused(Path(hostile), r"holds manifest\.json twice")


def test_another_format_is_named_with_the_remedy(folder: Path, refused: Any) -> None:
    rewrite(folder, lambda manifest: manifest.update(format="harmony-backup/2"))
    refused(folder, r"'harmony-backup/2' is unknown \(this Harmony reads harmony-backup/1")


def test_a_manifest_that_is_no_json_is_named(folder: Path, refused: Any) -> None:
    (dump(folder) / "manifest.json").write_bytes(b"{]")
    refused(folder, r"manifest\.json: the file: Invalid JSON")


def test_a_backup_of_a_later_version_is_refused(folder: Path, refused: Any) -> None:
    rewrite(folder, lambda manifest: manifest["migrations"].append(["studies", "9999_later"]))
    refused(folder, r"migration studies\.9999_later is not known here; install that version")


@pytest.mark.parametrize("file", ["../../etc/passwd", "tables/../x", "/etc/passwd"])
def test_a_manifest_cannot_name_files_elsewhere(folder: Path, refused: Any, file: str) -> None:
    rewrite(folder, lambda manifest: manifest["tables"][0].update(file=file))
    refused(folder, r"tables\.0\.file")


@pytest.mark.parametrize("name", ["../outside.png", "/etc/cron.d/x", "a/../../b", "a\\b", "..", "a\x00b"])
def test_objects_cannot_be_stored_elsewhere(folder: Path, refused: Any, name: str) -> None:
    digest = next(path.name for path in (folder / "media").rglob("*") if path.is_file())
    size = (folder / media_file(digest)).stat().st_size
    replace_lines(folder, "media.jsonl.gz", [json.dumps({"name": name, "sha256": digest, "bytes": size})])
    refused(folder, r"media\.jsonl\.gz")


@pytest.mark.parametrize("row", ["[1]", "{}", "[", "null"])
def test_a_row_that_is_none_undoes_everything(folder: Path, media: Path, row: str) -> None:
    name = "tables/studies.user.jsonl.gz"
    lines = gzip.decompress((dump(folder) / name).read_bytes()).decode().splitlines()
    replace_lines(folder, name, [lines[0], row])
    with pytest.raises(BackupError, match=r"studies\.user\.jsonl\.gz: row 1"):
        backup_restore(path=folder, write=True)
    assert is_empty()


def test_a_table_with_other_columns_undoes_everything(folder: Path, media: Path) -> None:
    name = "tables/studies.user.jsonl.gz"
    lines = gzip.decompress((dump(folder) / name).read_bytes()).decode().splitlines()
    replace_lines(folder, name, [lines[0].replace("is_superuser", "is_boss"), *lines[1:]])
    with pytest.raises(BackupError, match="has other columns than this Harmony"):
        backup_restore(path=folder, write=True)
    assert is_empty()


def test_a_row_with_a_value_of_another_kind_undoes_everything(folder: Path, media: Path) -> None:
    name = "tables/studies.response.jsonl.gz"
    lines = gzip.decompress((dump(folder) / name).read_bytes()).decode().splitlines()
    header = json.loads(lines[0])
    column = [entry[0] for entry in header["columns"]].index("uuid")
    row = json.loads(lines[1])
    row[column] = "no uuid"
    replace_lines(folder, name, [lines[0], json.dumps(row), *lines[2:]])
    with pytest.raises(BackupError, match=r"studies\.response\.jsonl\.gz: the row .* cannot be read"):
        backup_restore(path=folder, write=True)
    assert is_empty()
