"""Studies that researchers bring in as archives."""

import re
import tempfile
from pathlib import Path
from typing import IO

from django.db import IntegrityError, transaction

from studies.bundles.archive import UPLOADED, Limits, PictureArchive, unpack_bundle
from studies.bundles.errors import BundleError
from studies.bundles.files import manifest_study
from studies.models import Study, User
from studies.roles import may_manage
from studies.services.audit import audit_write
from studies.services.lifecycle import ArchivedStudyError
from studies.services.loading import Change, Loaded, prepared_bundle, prepared_load


class RefusedArchiveError(ValueError):
    """An archive, or the bundle in it, with something wrong; the message names the file, the field and the remedy."""


class TakenSlugError(ValueError):
    """The bundle's slug is that of a study of other researchers."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"the slug {slug!r} is taken; export the bundle under another slug")


def bundle_import(*, archive: IO[bytes], actor: User, limits: Limits = UPLOADED, within: Path | None = None) -> Loaded:
    """Load a bundle from a zip archive, as `load_bundle` does; a study that is new is the actor's.

    It is unpacked in a folder `within` this one, otherwise in that of temporary files.

    Everything or nothing is written, but for pictures, which lie in the storage by their digests. Raises
    RefusedArchiveError, TakenSlugError, and ArchivedStudyError where the study is only read.
    """
    with tempfile.TemporaryDirectory(prefix="harmony-bundle-", dir=within) as temporary:
        folder = Path(temporary) / "bundle"
        try:
            return _load(folder, unpack_bundle(archive, folder, limits), actor)
        except BundleError as error:
            # Where it lay for a moment is of no use to whoever sent it.
            told = str(error).replace(f"{folder}/", "").replace(str(folder), "bundle")
            raise RefusedArchiveError(told) from error


def _load(folder: Path, pictures: PictureArchive, actor: User) -> Loaded:
    slug = _slug(folder)
    # First, so that nothing is told of other researchers' studies.
    existing = Study.objects.filter(slug=slug).first()
    if existing is not None and not may_manage(actor, existing):
        raise TakenSlugError(slug)
    try:
        with prepared_bundle(folder=folder, pictures=pictures) as prepared, transaction.atomic():
            loaded = prepared_load(prepared=prepared)
            # Asked again, as one of this slug may have come into being.
            study = Study.objects.select_related("owner").get(pk=loaded.study.pk)
            if loaded.change is not Change.LOADED and not may_manage(actor, study):
                raise TakenSlugError(study.slug)
            if study.archived_at is not None:
                raise ArchivedStudyError
            if loaded.change is Change.LOADED:
                study.owner = actor
                study.save(update_fields=["owner"])
            if loaded.change is not Change.UNCHANGED:
                detail = {"change": loaded.change.value, "bundle": study.bundle_digest}
                audit_write(study=study, actor=actor, action="imported", detail=detail)
    except IntegrityError as error:
        # Another import of the same study was quicker.
        raise TakenSlugError(slug) from error
    return Loaded(study, loaded.change, loaded.conditions, loaded.images, loaded.trials, loaded.copied)


def _slug(folder: Path) -> str:
    """Return the slug that the manifest names; "" where it names none, which `load_bundle` has words for."""
    try:
        slug = manifest_study(folder)
    except BundleError:
        return ""
    return slug if slug is not None and re.fullmatch(r"[-a-zA-Z0-9_]+", slug) else ""
