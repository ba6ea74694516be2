"""The files of a bundle: the manifest's list, and whether each file is what the list says."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from studies.bundles.errors import EXPORT_AGAIN, BundleError

FORMAT = "harmony-bundle/1"
FIXTURE = "study.json"
MANIFEST = "manifest.json"
DIGEST = re.compile(r"[0-9a-f]{64}")
MEDIA_NAME = re.compile(r"media/([0-9a-f]{64})\.png")
# A picture is unpacked for every annotator who sees it: this one takes 48 MiB.
LONGEST_SIDE = 4096
LARGEST_FILE = 256 * 1024 * 1024

# Shows progress: is given the items and what is done to them, and yields the items.
Watch = Callable[[Sequence[Any], str], Iterable[Any]]


def unwatched(items: Sequence[Any], what: str) -> Iterable[Any]:
    """Show no progress."""
    return items


@dataclass(frozen=True)
class BundleFiles:
    """A bundle whose files all are what the manifest says.

    `sizes` maps the digest of a picture to its width and height in pixels; `digest` stands for all files together.
    """

    folder: Path
    study: str
    objects: Any
    sizes: Mapping[str, tuple[int, int]]
    digest: str

    def media(self, digest: str) -> Path:
        return self.folder / "media" / f"{digest}.png"


def read_files(folder: Path, watch: Watch = unwatched) -> BundleFiles:
    """Read the manifest and the fixture, and compare every listed file with its digest. Raises BundleError."""
    manifest = _json(folder, MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else manifest
        raise BundleError(f"{MANIFEST}: format", f"{found!r} is not {FORMAT!r}", "give a folder that Harmony exported")
    study, files = manifest.get("study"), manifest.get("files")
    if not isinstance(study, str):
        raise BundleError(f"{MANIFEST}: study", f"{study!r} is no slug", EXPORT_AGAIN)
    if not isinstance(files, dict) or FIXTURE not in files:
        raise BundleError(f"{MANIFEST}: files", f"no digest of {FIXTURE}", EXPORT_AGAIN)
    sizes = {}
    for name, digest in watch(list(files.items()), "checking"):
        content = _checked(folder, name, digest)
        if name != FIXTURE:
            sizes[digest] = _png_size(folder, name, content)
    return BundleFiles(
        folder=folder,
        study=study,
        objects=_json(folder, FIXTURE),
        sizes=sizes,
        digest=hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest(),
    )


def _json(folder: Path, name: str) -> Any:
    path = folder / name
    _refuse_odd_file(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(str(path), "the file is missing", "give the folder of a bundle") from error
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(str(path), f"cannot be read as JSON ({error})", EXPORT_AGAIN) from error


def _refuse_odd_file(path: Path) -> None:
    """Refuse links, which lead outside, pipes, which never end, and files that are larger than any of a bundle."""
    if path.is_symlink():
        raise BundleError(str(path), "is a link", "copy the files themselves into the bundle")
    if not path.exists():
        return
    if not path.is_file():
        raise BundleError(str(path), "is not a file", "copy the files themselves into the bundle")
    if path.stat().st_size > LARGEST_FILE:
        raise BundleError(str(path), f"is larger than {LARGEST_FILE >> 20} MiB", EXPORT_AGAIN)


def _checked(folder: Path, name: str, digest: object) -> Path:
    where = f"{MANIFEST}: files: {name!r}"
    # Only names of this form are ever opened: nothing outside the bundle can be reached.
    match = MEDIA_NAME.fullmatch(name)
    if name != FIXTURE and match is None:
        raise BundleError(where, f"is neither {FIXTURE} nor media/<SHA-256>.png", EXPORT_AGAIN)
    if not isinstance(digest, str) or DIGEST.fullmatch(digest) is None:
        raise BundleError(where, f"{digest!r} is no SHA-256 digest", EXPORT_AGAIN)
    if match is not None and match[1] != digest:
        raise BundleError(where, f"is named after another digest than the listed {digest}", EXPORT_AGAIN)
    path = folder / name
    if match is not None and path.parent.is_symlink():
        raise BundleError(str(path), "is in a folder that is a link", "copy the files themselves into the bundle")
    _refuse_odd_file(path)
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise BundleError(str(path), "the file is missing", "copy the whole bundle again") from error
    except OSError as error:
        raise BundleError(str(path), f"cannot be read ({error.strerror})", "copy the whole bundle again") from error
    if actual != digest:
        raise BundleError(str(path), f"its SHA-256 is {actual}, not {digest}", "copy the whole bundle again")
    return path


def _png_size(folder: Path, name: str, path: Path) -> tuple[int, int]:
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            size = picture.size
            if max(size) <= LONGEST_SIDE:
                picture.verify()
    except (UnidentifiedImageError, SyntaxError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise BundleError(str(folder / name), f"is not a sound PNG ({error})", EXPORT_AGAIN) from error
    if max(size) > LONGEST_SIDE:
        raise BundleError(
            str(path), f"has {size[0]} x {size[1]} pixels", f"export pictures of at most {LONGEST_SIDE} pixels a side"
        )
    return size
