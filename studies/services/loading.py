"""Loading a bundle into the database and the picture storage."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from pathlib import Path

from django.db import transaction

from studies.bundles.errors import BundleError
from studies.bundles.files import BundleFiles, Watch, read_files, unwatched
from studies.bundles.fixture import Fields, Key, Rows, read_fixture
from studies.bundles.stored import stored_rows
from studies.media import in_parallel
from studies.models import Assignment, Condition, Image, Pair, Participation, Picture, Study, Trial
from studies.protocol.columns import study_columns
from studies.protocol.faults import ProtocolError
from studies.selectors_protocol import current_protocol
from studies.services.picture_storage import picture_store, pictures_known
from studies.services.protocols import protocol_renew

BATCH = 1000


class Change(Enum):
    """What loading did to the study."""

    LOADED = "loaded"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Loaded:
    """A loaded study; `copied` counts the pictures that were not in the storage yet."""

    study: Study
    change: Change
    conditions: int
    images: int
    trials: int
    copied: int


def load_bundle(*, folder: Path, watch: Watch = unwatched) -> Loaded:
    """Load a bundle: check all of it, copy its pictures, write the study in one transaction.

    Loading the same bundle again changes nothing, also where plain `loaddata` brought the study in. A changed bundle
    updates a study that has no responses; its unanswered assignments are taken back, and the catch and practice trials
    of its protocol are made again. Raises BundleError, with nothing written to the database, if anything is wrong with
    the bundle, if it would change a study that has responses, or if the study's protocol does not fit it.
    """
    files = read_files(folder, watch)
    rows = read_fixture(files)
    _refuse_if_answered(files, rows)
    copied = _copy_pictures(files, rows, watch)
    with transaction.atomic():
        study, change = _write(files, rows)
    return Loaded(study, change, len(rows.conditions), len(rows.images), len(rows.trials), copied)


def _refuse_if_answered(files: BundleFiles, rows: Rows) -> None:
    study = Study.objects.filter(slug=files.study).exclude(bundle_digest=files.digest).first()
    if study is not None and study.is_imported:
        raise BundleError(
            str(files.folder),
            f"the study {study.slug} holds imported responses",
            "export this bundle under another slug",
        )
    if study is not None and study.has_responses and not _is_stored(study, rows):
        raise BundleError(
            str(files.folder),
            f"the study {study.slug} was loaded from another bundle and has responses",
            "export this bundle under another slug",
        )


def _is_stored(study: Study, rows: Rows) -> bool:
    """Whether the database holds what the bundle has, but for what the study's protocol decides."""
    stored = stored_rows(study, rows.pictures)
    protocol = current_protocol(study)
    decided = study_columns(protocol.spec) if protocol is not None else {}
    return replace(stored, study={**stored.study, **{name: rows.study[name] for name in decided}}) == rows


def _copy_pictures(files: BundleFiles, rows: Rows, watch: Watch) -> int:
    digests = [digest for (digest,) in rows.pictures]
    known = pictures_known(digests)

    def store(digest: str) -> bool:
        open_content = partial(files.media(digest).open, "rb")
        return picture_store(digest=digest, open_content=open_content, is_known=digest in known)

    stored = in_parallel(store, digests)
    return sum(is_new for _, is_new in zip(watch(digests, "copying"), stored, strict=True))


def _write(files: BundleFiles, rows: Rows) -> tuple[Study, Change]:
    existing = Study.objects.select_for_update(no_key=True).filter(slug=files.study).first()
    if existing is None:
        study = Study.objects.create(**rows.study, bundle_digest=files.digest)
        change = Change.LOADED
    elif existing.bundle_digest == files.digest:
        return existing, Change.UNCHANGED
    else:
        if _is_stored(existing, rows):
            existing.bundle_digest = files.digest
            existing.save(update_fields=["bundle_digest"])
            return existing, Change.UNCHANGED
        # Asked once more: an answer may have come in while the pictures were copied.
        _refuse_if_answered(files, rows)
        study = _emptied(existing, rows.study, files.digest)
        change = Change.UPDATED
    _write_rows(study, rows)
    if change is Change.UPDATED and (protocol := current_protocol(study)) is not None:
        try:
            protocol_renew(protocol)
        except ProtocolError as error:
            raise BundleError(
                str(files.folder), f"the study's protocol does not fit the bundle:\n{error}", "export another slug"
            ) from error
        study.refresh_from_db()
    return study, change


def _emptied(study: Study, fields: Fields, digest: str) -> Study:
    Assignment.objects.filter(trial__study=study).delete()
    Trial.objects.filter(study=study).delete()
    Pair.objects.filter(condition__study=study).delete()
    Condition.objects.filter(study=study).delete()
    Image.objects.filter(study=study).delete()
    Participation.objects.filter(study=study).update(is_exhausted=False)
    for name, value in fields.items():
        setattr(study, name, value)
    study.bundle_digest = digest
    study.save()
    return study


def _write_rows(study: Study, rows: Rows) -> None:
    pictures = _pictures(rows.pictures.values())
    conditions = {key: Condition(**{**fields, "study": study}) for key, fields in rows.conditions.items()}
    Condition.objects.bulk_create(conditions.values(), batch_size=BATCH)
    images = {
        key: Image(**{**fields, "study": study, "picture": pictures[fields["picture"]]})
        for key, fields in rows.images.items()
    }
    Image.objects.bulk_create(images.values(), batch_size=BATCH)
    pairs = {
        key: Pair(
            **{
                **fields,
                "condition": conditions[fields["condition"]],
                "image": images[fields["image"]],
                "original": pictures[fields["original"]],
                "finetuned": pictures[fields["finetuned"]],
            }
        )
        for key, fields in rows.pairs.items()
    }
    Pair.objects.bulk_create(pairs.values(), batch_size=BATCH)
    Trial.objects.bulk_create(
        (Trial(**{**fields, "study": study, "pair": pairs[fields["pair"]]}) for fields in rows.trials.values()),
        batch_size=BATCH,
    )


def _pictures(wanted: Iterable[Fields]) -> dict[Key, Picture]:
    """Return the pictures by digest; those that other studies brought along are used again."""
    rows = [Picture(**fields) for fields in wanted]
    Picture.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    stored = Picture.objects.in_bulk([row.digest for row in rows], field_name="digest")
    return {(digest,): picture for digest, picture in stored.items()}
