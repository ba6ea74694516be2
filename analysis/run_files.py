"""The files of reports in the storage: `reports/<slug>/<version>-<run>-<attempt>/`.

Each attempt has a folder of its own, which nobody reads before the run's row says that it is done: so files are there
all at once or not at all. Nothing here is served by address.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from analysis.models import ReportRun
from studies.media import folder_delete, folders_in, in_parallel, sizes_below
from studies.models import Study
from studies.services.derived_files import REPORTS_FOLDER

BODY = "body.html"
"""What the page of the site shows inside of its frame."""
ARCHIVE = "report.zip"
EPOCH = (1980, 1, 1, 0, 0, 0)
PACKED = frozenset({".png", ".pdf", ".parquet"})
"""Files that are compressed already."""
CONTENT_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".tex": "application/x-tex; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".R": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".zip": "application/zip",
}


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file of a report: its name with folders, and its size in bytes."""

    name: str
    size: int

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES.get(PurePosixPath(self.name).suffix, "application/octet-stream")


def folder_of(run: ReportRun) -> str:
    """The folder of the run's present attempt."""
    return f"{study_folder(run.study)}/{run.version[:16]}-{run.pk}-{run.attempt}"


def study_folder(study: Study) -> str:
    return f"{REPORTS_FOLDER}/{study.slug}"


def write_files(files: Mapping[str, bytes], folder: str) -> list[dict[str, object]]:
    """Write files into an empty folder of the storage; returns names and sizes as `ReportRun.files` has them."""
    if there := sizes_below(folder):
        raise FileExistsError(f"{next(iter(there))} is in the storage already; delete its folder")

    def write(name: str) -> None:
        path = f"{folder}/{name}"
        if (stored := default_storage.save(path, ContentFile(files[name]))) != path:
            raise FileExistsError(f"{path} is in the storage already (this one became {stored}); delete its folder")

    for _ in in_parallel(write, files):
        pass
    return [{"name": name, "bytes": len(content)} for name, content in files.items()]


def files_of(run: ReportRun) -> list[ReportFile]:
    """The files of a finished run, except what only the page shows."""
    return [ReportFile(entry["name"], entry["bytes"]) for entry in run.files if entry["name"] != BODY]


def is_there(run: ReportRun) -> bool:
    """Whether the storage still has the files of a finished run."""
    return bool(run.folder) and default_storage.exists(f"{run.folder}/{BODY}")


def open_file(run: ReportRun, name: str) -> "File[bytes] | None":
    """Open one of the run's files for reading; None where it has none of this name."""
    if name not in {entry["name"] for entry in run.files}:
        return None
    try:
        return default_storage.open(f"{run.folder}/{name}", "rb")
    except FileNotFoundError:
        return None


def remove_others(study: Study, kept: set[str]) -> None:
    """Delete the folders of a study's reports that are not among the kept ones."""
    home = study_folder(study)
    for folder in folders_in(home):
        if f"{home}/{folder}" not in kept:
            folder_delete(f"{home}/{folder}")


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """The files as a zip archive: same files, same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            is_packed = PurePosixPath(name).suffix in PACKED
            entry.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compresslevel=1 if len(files[name]) > 10_000_000 else 6)
    return packed.getvalue()
