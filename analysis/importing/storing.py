"""Writes: imported responses become a study that is closed for good, with their frame in the storage."""

import hashlib
import io
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pandas as pd
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.validators import validate_slug
from django.db import IntegrityError, transaction
from django.utils import timezone

from analysis.imported import kept_frame
from analysis.importing.faults import ImportRefusedError
from analysis.importing.responses import ReadResponses
from analysis.models import ImportedResponses
from studies.disk_sync import storage_sync
from studies.models import Study, User
from studies.services.audit import audit_write
from studies.services.collaboration import CollaborationError, owner_set
from studies.services.lifecycle import ArchivedStudyError, study_lock

FOLDER = "imports"
QUESTIONS = {
    ImportedResponses.Kind.FORCED_CHOICE: "Which map shows better why the network decided as it did?",
    ImportedResponses.Kind.TWO_CHOICE: "Which of the two answers is right?",
    ImportedResponses.Kind.CATEGORIES: "Which category does the image show?",
}


class Change(Enum):
    """What an import did."""

    IMPORTED = "imported"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Imported:
    """An imported study, and what was done."""

    responses: ImportedResponses
    change: Change


def responses_import(
    *,
    read: ReadResponses,
    slug: str,
    title: str,
    question: str | None = None,
    owner: str | None = None,
    actor: User | None = None,
    replace: bool = False,
    is_simulated: bool = False,
) -> Imported:
    """Keep responses as the study `slug`; the same responses again change nothing.

    `is_simulated` says that a program made them; reports then say so everywhere.

    Other responses take the place of those of an imported study only with `replace`, whole or not at all; a report
    that is being made meanwhile reads the old ones or the new. `owner` is the user name of a researcher. Raises
    ImportRefusedError with nothing written: for a slug that is none or belongs to a study that is run here, without
    any responses, and for an owner who is no researcher.
    """
    _check(read, slug, title, question)
    question = QUESTIONS[read.kind] if question is None else question
    existing = Study.objects.filter(slug=slug).first()
    if existing is not None and _is_kept(existing, read, title, question, is_simulated):
        _own(existing, owner)
        return Imported(existing.imported_responses, Change.UNCHANGED)
    if existing is not None:
        _refuse_unless(existing, replace=replace)
    saved = _save(read, slug)
    try:
        with transaction.atomic():
            imported = _write(read, slug, title, question, saved, actor, replace=replace, is_simulated=is_simulated)
            _own(imported.responses.study, owner)
    except IntegrityError as error:
        saved.erase()
        raise ImportRefusedError(f"--slug {slug}: another import made this study just now; try again") from error
    except BaseException:
        saved.erase()
        raise
    return imported


@dataclass(frozen=True)
class _Saved:
    """Files of one import in the storage, which no other import shares."""

    path: str
    digest: str
    pictures: str | None

    def erase(self) -> None:
        _erase([self.path, self.pictures])


def _erase(paths: Sequence[str | None]) -> None:
    """Take files of an import out of the storage."""
    for path in paths:
        if path is not None:
            default_storage.delete(path)


def _check(read: ReadResponses, slug: str, title: str, question: str | None) -> None:
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise ImportRefusedError(f"--slug {slug!r}: use letters, digits, hyphens and underscores") from error
    if len(slug) > 100:
        raise ImportRefusedError(f"--slug {slug}: is longer than 100 characters; choose a shorter one")
    if not 0 < len(title) <= 200:
        raise ImportRefusedError("--title: give 1 to 200 characters")
    if question is not None and not 0 < len(question) <= 500:
        raise ImportRefusedError("--question: give 1 to 500 characters")
    if read.frame.empty:
        files = ", ".join(file["name"] for file in read.source["files"]) or "the files"
        raise ImportRefusedError(f"{files}: there are no responses; name the files that hold them")


def _refuse_unless(study: Study, *, replace: bool) -> None:
    if not study.is_imported:
        raise ImportRefusedError(f"--slug {study.slug}: is taken by a study that is run here; choose another")
    if study.archived_at is not None:
        raise ImportRefusedError(f"--slug {study.slug}: the study is archived; bring it back from the archive first")
    if not replace:
        raise ImportRefusedError(
            f"--slug {study.slug}: holds other responses, or these under another title or question; choose another, "
            "or give --replace to put these in their place"
        )


def _is_kept(study: Study, read: ReadResponses, title: str, question: str, is_simulated: bool) -> bool:
    """Whether the study holds just these responses."""
    kept = ImportedResponses.objects.filter(study=study).first()
    if kept is None or (study.title, study.question, study.is_simulated) != (title, question, is_simulated):
        return False
    told = {key: value for key, value in kept.facts.items() if key != "pictures"}
    pictures = kept.facts.get("pictures")
    same_pictures = (None if pictures is None else pictures["digest"]) == _pictures_digest(read)
    return (
        kept.kind == read.kind
        and kept.dropped_duplicates == read.dropped
        and told == json.loads(json.dumps(read.facts))
        and same_pictures
        and kept_frame(kept).drop(columns="study").equals(read.frame)
    )


def _pictures_digest(read: ReadResponses) -> str | None:
    return None if read.pictures is None else hashlib.sha256(_parquet(read.pictures)).hexdigest()


def _save(read: ReadResponses, slug: str) -> _Saved:
    stem = f"{FOLDER}/{slug}-{secrets.token_hex(8)}"
    content = _parquet(read.frame)
    path = default_storage.save(f"{stem}.parquet", ContentFile(content))
    pictures = None
    try:
        if read.pictures is not None:
            pictures = default_storage.save(f"{stem}-pictures.parquet", ContentFile(_parquet(read.pictures)))
        storage_sync()
    except BaseException:
        _erase([path] if pictures is None else [path, pictures])
        raise
    return _Saved(path, hashlib.sha256(content).hexdigest(), pictures)


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


def _write(
    read: ReadResponses,
    slug: str,
    title: str,
    question: str,
    saved: _Saved,
    actor: User | None,
    *,
    replace: bool,
    is_simulated: bool,
) -> Imported:
    facts: dict[str, Any] = dict(read.facts)
    if saved.pictures is not None and read.pictures is not None:
        facts["pictures"] = {"path": saved.pictures, "digest": _pictures_digest(read), "trials": len(read.pictures)}
    columns = {
        "kind": read.kind,
        "path": saved.path,
        "digest": saved.digest,
        "rows": len(read.frame),
        "participants": read.participants,
        "dropped_duplicates": read.dropped,
        "source": read.source,
        "facts": facts,
    }
    of_study = {
        "title": title,
        "question": question,
        "is_simulated": is_simulated,
        "annotators_per_trial": max(1, read.facts.get("annotators_per_trial", 1)),
        "offer_neither": read.facts.get("offer_neither", False),
    }
    existing = Study.objects.filter(slug=slug).first()
    if existing is None:
        study = Study.objects.create(slug=slug, state=Study.State.CLOSED, is_imported=True, **of_study)
        responses = ImportedResponses.objects.create(study=study, **columns)
        change = Change.IMPORTED
    else:
        try:
            study = study_lock(existing)
        except ArchivedStudyError as error:
            raise ImportRefusedError(f"--slug {slug}: {error}") from error
        # Asked again, as it may have come into being after the first look.
        _refuse_unless(study, replace=replace)
        responses = ImportedResponses.objects.select_for_update().get(study=study)
        before = [responses.path, responses.facts.get("pictures", {}).get("path")]
        for name, value in {**columns, "created_at": timezone.now()}.items():
            setattr(responses, name, value)
        responses.save()
        for name, value in of_study.items():
            setattr(study, name, value)
        study.save(update_fields=list(of_study))
        # Robust: the new files stand, whatever becomes of the old ones.
        transaction.on_commit(lambda: _erase(before), robust=True)
        change = Change.REPLACED
    responses.study = study
    detail = {
        "change": change.value,
        "kind": str(read.kind),
        "rows": len(read.frame),
        "participants": read.participants,
        "source": read.source["format"],
        "digest": saved.digest[:16],
    }
    audit_write(study=study, actor=actor, action="responses_imported", detail=detail)
    return Imported(responses, change)


def _own(study: Study, owner: str | None) -> None:
    """Hand the study to its owner, where one is named."""
    if owner is None:
        return
    try:
        owner_set(study=study, username=owner, actor=None)
    except (CollaborationError, ArchivedStudyError) as error:
        raise ImportRefusedError(f"--owner {owner}: {error}") from error
