"""Bundles that attack whoever loads them: folders for `load_study`, and archives for anything that takes uploads.

Every builder is given a folder that does not exist yet, or a sound bundle to spoil, and returns what it made. `SPOILED`
and `ARCHIVES` list them by name, so that each way into the site can be tried with all of them.
"""

import hashlib
import io
import json
import os
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from studies.tests.bundles import read_fixture_text, write_bundle, write_fixture

# What lies outside, and must never come in.
SECRET = b"what lies outside of the bundle"
PNG_START = b"\x89PNG\r\n\x1a\n"


def sound(folder: Path) -> Path:
    """A bundle with nothing wrong."""
    return write_bundle(folder, slug="attack", images=1, size=8)


# Folders


def _manifest(bundle: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((bundle / "manifest.json").read_text())
    return manifest


def _list_file(bundle: Path, name: str, digest: str) -> None:
    manifest = _manifest(bundle)
    manifest["files"][name] = digest
    (bundle / "manifest.json").write_text(json.dumps(manifest))


def _picture(bundle: Path) -> Path:
    return min((bundle / "media").iterdir())


def _outside(bundle: Path) -> Path:
    path = bundle.parent / "outside.png"
    path.write_bytes(SECRET)
    return path


def path_upwards(bundle: Path) -> None:
    """The manifest lists a file outside of the folder."""
    _list_file(bundle, f"../{_outside(bundle).name}", hashlib.sha256(SECRET).hexdigest())


def absolute_path(bundle: Path) -> None:
    """The manifest lists a file by its absolute path."""
    _list_file(bundle, str(_outside(bundle)), hashlib.sha256(SECRET).hexdigest())


def path_through_media(bundle: Path) -> None:
    """The name begins as a picture's should, and climbs out."""
    _list_file(bundle, f"media/../../{_outside(bundle).name}", hashlib.sha256(SECRET).hexdigest())


def backslashes(bundle: Path) -> None:
    _list_file(bundle, "media\\..\\..\\outside.png", hashlib.sha256(SECRET).hexdigest())


def name_with_a_line_break(bundle: Path) -> None:
    digest = hashlib.sha256(SECRET).hexdigest()
    _list_file(bundle, f"media/{digest}.png\n", digest)


def link_for_a_picture(bundle: Path) -> None:
    """A picture's name is right, and the file is a link to a file outside with the right digest."""
    outside = _outside(bundle)
    digest = hashlib.sha256(SECRET).hexdigest()
    (bundle / "media" / f"{digest}.png").symlink_to(outside)
    _list_file(bundle, f"media/{digest}.png", digest)


def link_for_the_media_folder(bundle: Path) -> None:
    (bundle / "media").rename(bundle.parent / "media-outside")
    (bundle / "media").symlink_to(bundle.parent / "media-outside")


def link_for_the_fixture(bundle: Path) -> None:
    (bundle / "study.json").rename(bundle.parent / "study-outside.json")
    (bundle / "study.json").symlink_to(bundle.parent / "study-outside.json")


def link_for_the_manifest(bundle: Path) -> None:
    (bundle / "manifest.json").rename(bundle.parent / "manifest-outside.json")
    (bundle / "manifest.json").symlink_to(bundle.parent / "manifest-outside.json")


def pipe_for_a_picture(bundle: Path) -> None:
    """Whoever opens it waits forever."""
    path = _picture(bundle)
    path.unlink()
    os.mkfifo(path)


def pipe_for_the_manifest(bundle: Path) -> None:
    (bundle / "manifest.json").unlink()
    os.mkfifo(bundle / "manifest.json")


def folder_for_a_picture(bundle: Path) -> None:
    path = _picture(bundle)
    path.unlink()
    path.mkdir()


def deeply_nested_manifest(bundle: Path) -> None:
    (bundle / "manifest.json").write_text("[" * 200_000)


def manifest_of_gigabytes(bundle: Path) -> None:
    """Sparse, so that it takes no room: 8 GiB of zeros."""
    os.truncate(bundle / "manifest.json", 8 * 1024**3)


def fixture_of_gigabytes(bundle: Path) -> None:
    os.truncate(bundle / "study.json", 8 * 1024**3)


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG that says to have this size; its pixels are `data`, compressed, whatever the size says."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return PNG_START + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


def picture_of_gigapixels(bundle: Path) -> None:
    """A few bytes that unfold to 10 gigapixels."""
    _replace_picture(bundle, png(100_000, 100_000, bytes(1000)), 100_000)


def picture_as_large_as_twelve_thousand_pixels(bundle: Path) -> None:
    _replace_picture(bundle, png(12_000, 1, bytes(36_001)), 12_000)


def page_for_a_picture(bundle: Path) -> None:
    """HTML with a script under a picture's name."""
    _replace_picture(bundle, b"<!doctype html><script>alert(1)</script>", 8)


def svg_for_a_picture(bundle: Path) -> None:
    _replace_picture(bundle, b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', 8)


def _replace_picture(bundle: Path, content: bytes, width: int) -> None:
    objects, files = read_fixture_text(bundle)
    old = _picture(bundle).stem
    new = hashlib.sha256(content).hexdigest()
    (bundle / "media" / f"{old}.png").unlink()
    (bundle / "media" / f"{new}.png").write_bytes(content)
    files.pop(f"media/{old}.png")
    replaced = json.loads(json.dumps(objects).replace(old, new))
    for item in replaced:
        if item["model"] == "studies.picture" and item["fields"]["digest"] == new:
            item["fields"]["width"] = item["fields"]["height"] = width
    write_fixture(bundle, replaced, {**files, f"media/{new}.png": new})


def objects_of_other_models(bundle: Path) -> None:
    """The fixture brings an admin along."""
    objects, files = read_fixture_text(bundle)
    admin = {"username": "intruder", "password": "!", "is_superuser": True, "is_staff": True}
    write_fixture(bundle, [*objects, {"model": "studies.user", "fields": admin}], files)


def an_owner_of_ones_own(bundle: Path) -> None:
    """The fixture says who owns the study."""
    objects, files = read_fixture_text(bundle)
    objects[0]["fields"]["owner"] = ["intruder"]
    write_fixture(bundle, objects, files)


SPOILED: Mapping[str, Callable[[Path], None]] = {
    spoil.__name__: spoil
    for spoil in (
        path_upwards,
        absolute_path,
        path_through_media,
        backslashes,
        name_with_a_line_break,
        link_for_a_picture,
        link_for_the_media_folder,
        link_for_the_fixture,
        link_for_the_manifest,
        pipe_for_a_picture,
        pipe_for_the_manifest,
        folder_for_a_picture,
        deeply_nested_manifest,
        manifest_of_gigabytes,
        fixture_of_gigabytes,
        picture_of_gigapixels,
        picture_as_large_as_twelve_thousand_pixels,
        page_for_a_picture,
        svg_for_a_picture,
        objects_of_other_models,
        an_owner_of_ones_own,
    )
}


# Archives


def archive_of(bundle: Path) -> bytes:
    """A sound bundle as a zip archive."""
    return _zip({str(path.relative_to(bundle)): path.read_bytes() for path in bundle.rglob("*") if path.is_file()})


def _zip(entries: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return content.getvalue()


def _with_entry(bundle: Path, name: str, data: bytes = SECRET, mode: int = 0) -> bytes:
    content = io.BytesIO(archive_of(bundle))
    # A name that is there already is the point of one of them.
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = mode << 16
        archive.writestr(entry, data)
    return content.getvalue()


def entry_upwards(bundle: Path) -> bytes:
    return _with_entry(bundle, "../../escaped.txt")


def entry_with_an_absolute_path(bundle: Path) -> bytes:
    return _with_entry(bundle, f"{bundle.parent}/escaped.txt")


def entry_with_a_drive(bundle: Path) -> bytes:
    return _with_entry(bundle, "C:\\escaped.txt")


def entry_that_is_a_link(bundle: Path) -> bytes:
    """A link entry, and a picture behind it."""
    return _with_entry(bundle, "media/link.png", b"/etc/passwd", stat.S_IFLNK | 0o777)


def entry_twice(bundle: Path) -> bytes:
    """Two manifests: one for whoever checks, one for whoever reads."""
    return _with_entry(bundle, "manifest.json", b"{}")


def bomb(bundle: Path) -> bytes:
    """A few hundred kilobytes that unfold to 256 MiB."""
    return _with_entry(bundle, "study.json.more", bytes(256 * 1024 * 1024))


def bomb_that_lies_about_its_size(bundle: Path) -> bytes:
    """Both headers say 10 bytes, and 64 MiB unfold."""
    size = 64 * 1024 * 1024
    honest = _zip({"manifest.json": bytes(size)})
    return honest.replace(struct.pack("<I", size), struct.pack("<I", 10))


def many_entries(bundle: Path) -> bytes:
    """A hundred thousand empty files."""
    return _zip({f"media/{number:064x}.png": b"" for number in range(100_000)})


def archive_in_an_archive(bundle: Path) -> bytes:
    return _zip({"bundle.zip": archive_of(bundle)})


def no_archive(bundle: Path) -> bytes:
    return b"PK\x03\x04 and then nothing of the kind"


def cut_archive(bundle: Path) -> bytes:
    whole = archive_of(bundle)
    return whole[: len(whole) // 2]


ARCHIVES: Mapping[str, Callable[[Path], bytes]] = {
    build.__name__: build
    for build in (
        entry_upwards,
        entry_with_an_absolute_path,
        entry_with_a_drive,
        entry_that_is_a_link,
        entry_twice,
        bomb,
        bomb_that_lies_about_its_size,
        many_entries,
        archive_in_an_archive,
        no_archive,
        cut_archive,
    )
}
