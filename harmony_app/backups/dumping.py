"""Writing the rows of the database and the list of the storage's objects into files."""

import gzip
import io
import json
import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.core.files.storage import default_storage

from harmony_app.backups.digests import copy_digested
from harmony_app.backups.manifest import MEDIA_LIST, MediaList, MediaObject, TableFile
from harmony_app.backups.sinks import Sink
from harmony_app.backups.tables import ALIAS, Model, columns_of, encoded, header_of
from studies.media import in_parallel, sizes_below

ROWS_AT_ONCE = 1000
SPOOL_BYTES = 8 * 2**20
A_PICTURE = re.compile(r"pictures/([0-9a-f]{64})\.png\Z")

Tell = Callable[[str], None]


@contextmanager
def _lines(path: Path) -> Iterator[IO[str]]:
    """Open a compressed file of lines. The same lines give the same bytes: no time, no name."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="ascii", newline="\n") as text,
    ):
        yield text


def dump_tables(models: Mapping[str, Model], folder: Path) -> list[TableFile]:
    """Write every table into a file below `folder`; call it in a snapshot of the database."""
    (folder / "tables").mkdir()
    return [_dump_table(label, model, folder) for label, model in models.items()]


def _dump_table(label: str, model: Model, folder: Path) -> TableFile:
    name = f"tables/{label}.jsonl.gz"
    fields = columns_of(model)
    rows = model._base_manager.using(ALIAS).order_by("pk").values_list(*(field.attname for field in fields))
    count = 0
    with _lines(folder / name) as file:
        file.write(json.dumps({"model": label, "columns": header_of(model)}) + "\n")
        for row in rows.iterator(chunk_size=ROWS_AT_ONCE):
            line = [encoded(value, field) for value, field in zip(row, fields, strict=True)]
            file.write(json.dumps(line, separators=(",", ":")) + "\n")
            count += 1
    with (folder / name).open("rb") as written:
        digest, size = copy_digested(written)
    return TableFile(model=label, file=name, rows=count, bytes=size, sha256=digest)


def pictures_of(models: Mapping[str, Model]) -> set[str]:
    """Return the names in the storage of the pictures that rows speak of; call it in the same snapshot."""
    digests = models["studies.picture"]._base_manager.using(ALIAS).values_list("digest", flat=True)
    return {f"pictures/{digest}.png" for digest in digests.iterator()}


def dump_media(sink: Sink, folder: Path, pictures: Collection[str], tell: Tell) -> tuple[MediaList, list[str]]:
    """Put every object of the storage into the sink; returns the list of them and the pictures that are not there.

    What goes away meanwhile is left out, and so is a picture whose bytes do not fit its name: it is just being
    written, or damaged.
    """
    wanted = set(pictures)
    objects = content_bytes = 0
    with _lines(folder / MEDIA_LIST) as file:
        for found in _kept(sink, list(sizes_below("")), tell):
            file.write(found.model_dump_json() + "\n")
            objects, content_bytes = objects + 1, content_bytes + found.bytes
            wanted.discard(found.name)
    with (folder / MEDIA_LIST).open("rb") as written:
        digest, size = copy_digested(written)
    listed = MediaList(objects=objects, content_bytes=content_bytes, bytes=size, sha256=digest)
    return listed, sorted(wanted)


def _kept(sink: Sink, names: list[str], tell: Tell) -> Iterator[MediaObject]:
    unread = []
    for name in names:
        named = A_PICTURE.match(name)
        known = sink.media_bytes(named[1]) if named else None
        if named and known is not None:
            # Not read again: this content is in the backup, and was compared with its digest when it came there.
            yield MediaObject(name=name, sha256=named[1], bytes=known)
        else:
            unread.append(name)
    for name, read in zip(unread, in_parallel(lambda name: _read(name, sink.folder), unread), strict=True):
        if read is None:
            tell(f"{name}: went away meanwhile, left out")
            continue
        with read.content:
            named = A_PICTURE.match(name)
            if named and named[1] != read.sha256:
                tell(f"{name}: has other bytes than its name says, left out")
                continue
            if sink.media_bytes(read.sha256) is None:
                read.content.seek(0)
                sink.media_add(read.sha256, read.bytes, read.content)
        yield MediaObject(name=name, sha256=read.sha256, bytes=read.bytes)


@dataclass(frozen=True)
class _Read:
    content: tempfile.SpooledTemporaryFile[bytes]
    sha256: str
    bytes: int


def _read(name: str, scratch: Path) -> _Read | None:
    """Return an object's content, in memory unless it is large; None where it is not there any more."""
    # Closed by whoever takes it.
    content = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES, dir=str(scratch))  # noqa: SIM115
    try:
        with default_storage.open(name) as stored:
            digest, size = copy_digested(stored, content)
    except FileNotFoundError:
        content.close()
        return None
    return _Read(content, digest, size)
