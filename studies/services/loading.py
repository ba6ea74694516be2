"""Loading a bundle into the database and the picture storage."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet

from studies.bundles.coherence import check_coherence
from studies.bundles.errors import BundleError
from studies.bundles.files import Bundle, PictureFiles, Watch, read_manifest, unwatched
from studies.bundles.fixture import read_fixture, table
from studies.bundles.scratch import opened_scratch
from studies.bundles.stored import is_stored, study_fields
from studies.models import Assignment, Condition, Image, Pair, Participation, Study, Trial
from studies.protocol.columns import study_columns
from studies.protocol.faults import ProtocolError
from studies.selectors_protocol import current_protocol
from studies.services.bundle_pictures import bundle_pictures_store
from studies.services.bundle_rows import bundle_rows_insert
from studies.services.protocols import protocol_renew

# So many rows, and what hangs on them, are deleted at a time.
BATCH = 2_000


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


@dataclass(frozen=True)
class Prepared:
    """A bundle of which everything is checked, whose pictures are in the storage, and none of whose rows is written."""

    bundle: Bundle
    copied: int


def load_bundle(*, folder: Path, pictures: PictureFiles | None = None, watch: Watch = unwatched) -> Loaded:
    """Load a bundle: check all of it, copy its pictures, write the study in one transaction.

    The pictures are those of the folder unless others are given.

    Loading the same bundle again changes nothing, also where plain `loaddata` brought the study in. A changed bundle
    updates a study that has no responses; its unanswered assignments are taken back, and the catch and practice trials
    of its protocol are made again. Raises BundleError, with nothing written to the database, if anything is wrong with
    the bundle, if it would change a study that has responses, or if the study's protocol does not fit it.

    Memory does not grow with the bundle. Who has more to write in the same transaction takes `prepared_bundle` and
    `prepared_load` apart, so that the transaction is short.
    """
    with prepared_bundle(folder=folder, pictures=pictures, watch=watch) as prepared:
        return prepared_load(prepared=prepared)


@contextmanager
def prepared_bundle(
    *, folder: Path, pictures: PictureFiles | None = None, watch: Watch = unwatched
) -> Iterator[Prepared]:
    """Check a bundle and copy its pictures; the database is only asked. Raises BundleError."""
    with opened_scratch() as scratch:
        bundle = read_manifest(folder, scratch, pictures)
        read_fixture(bundle)
        check_coherence(bundle)
        _refuse_if_answered(bundle)
        yield Prepared(bundle, bundle_pictures_store(bundle=bundle, watch=watch))


def prepared_load(*, prepared: Prepared) -> Loaded:
    """Write the rows of a prepared bundle in one transaction. Raises BundleError, as `load_bundle` does."""
    bundle = prepared.bundle
    with transaction.atomic():
        study, change = _write(bundle)
    conditions, images, trials = (bundle.scratch.count(table(model)) for model in (Condition, Image, Trial))
    return Loaded(study, change, conditions, images, trials, prepared.copied)


def _refuse_if_answered(bundle: Bundle) -> None:
    study = Study.objects.filter(slug=bundle.study).exclude(bundle_digest=bundle.digest).first()
    if study is not None and study.is_imported:
        raise BundleError(
            str(bundle.folder),
            f"the study {study.slug} holds imported responses",
            "export this bundle under another slug",
        )
    if study is not None and study.has_responses and not _is_stored(bundle, study):
        raise BundleError(
            str(bundle.folder),
            f"the study {study.slug} was loaded from another bundle and has responses",
            "export this bundle under another slug",
        )


def _is_stored(bundle: Bundle, study: Study) -> bool:
    protocol = current_protocol(study)
    return is_stored(bundle, study, () if protocol is None else study_columns(protocol.spec))


def _write(bundle: Bundle) -> tuple[Study, Change]:
    existing = Study.objects.select_for_update(no_key=True).filter(slug=bundle.study).first()
    if existing is None:
        study = Study.objects.create(**study_fields(bundle), bundle_digest=bundle.digest)
        bundle_rows_insert(bundle=bundle, study=study)
        return study, Change.LOADED
    if existing.bundle_digest == bundle.digest:
        return existing, Change.UNCHANGED
    if _is_stored(bundle, existing):
        existing.bundle_digest = bundle.digest
        existing.save(update_fields=["bundle_digest"])
        return existing, Change.UNCHANGED
    # Asked once more: an answer may have come in while the pictures were copied.
    _refuse_if_answered(bundle)
    _empty(existing)
    for name, value in study_fields(bundle).items():
        setattr(existing, name, value)
    existing.bundle_digest = bundle.digest
    existing.save()
    bundle_rows_insert(bundle=bundle, study=existing)
    _renew_protocol(bundle, existing)
    return existing, Change.UPDATED


def _renew_protocol(bundle: Bundle, study: Study) -> None:
    protocol = current_protocol(study)
    if protocol is None:
        return
    try:
        protocol_renew(protocol)
    except ProtocolError as error:
        raise BundleError(
            str(bundle.folder), f"the study's protocol does not fit the bundle:\n{error}", "export another slug"
        ) from error
    study.refresh_from_db()


def _empty(study: Study) -> None:
    _delete(Assignment.objects.filter(trial__study=study))
    _delete(Trial.objects.filter(study=study))
    _delete(Pair.objects.filter(condition__study=study))
    _delete(Condition.objects.filter(study=study))
    _delete(Image.objects.filter(study=study))
    Participation.objects.filter(study=study).update(is_exhausted=False)


def _delete(rows: QuerySet[Any]) -> None:
    """Delete rows and what hangs on them, a few at a time, as Django reads them first."""
    model: type[Model] = rows.model
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        model._default_manager.filter(pk__in=keys).delete()
