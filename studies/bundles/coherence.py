"""What the objects of a fixture must be to each other, and to the files. Asked of whole tables in scratch."""

# ruff: noqa: S608 - statements are put together from the names of models and their fields alone.

from __future__ import annotations

from typing import Any

from django.db import models

from studies.bundles.errors import EXPORT_AGAIN, BundleError
from studies.bundles.fields import bundle_fields
from studies.bundles.files import FIXTURE, Bundle
from studies.bundles.fixture import MODELS, table, told_key
from studies.bundles.pictures import sound_picture
from studies.models import Trial
from studies.trial_types import TRIAL_TYPES

UNEQUAL_PAIR = """
SELECT pair.natural_key, original.digest, finetuned.digest, shown.digest
FROM pair
JOIN image ON image.natural_key = pair.image
JOIN picture original ON original.natural_key = pair.original
JOIN picture finetuned ON finetuned.natural_key = pair.finetuned
JOIN picture shown ON shown.natural_key = image.picture
WHERE (original.width, original.height) != (finetuned.width, finetuned.height)
   OR (original.width, original.height) != (shown.width, shown.height)
ORDER BY pair.n LIMIT 1
"""


def check_coherence(bundle: Bundle) -> None:
    """Raises BundleError for objects that do not fit together; of the files, only the manifest's list is asked."""
    scratch = bundle.scratch
    studies = [natural for (natural,) in scratch.rows("SELECT natural_key FROM study")]
    if studies != [bundle.study]:
        raise BundleError(FIXTURE, f"does not hold the one study {bundle.study!r} of the manifest", EXPORT_AGAIN)
    for model in MODELS.values():
        for known in bundle_fields(model).values():
            if isinstance(known, models.ForeignKey):
                _check_references(bundle, model, known)
    lost = scratch.first(
        "SELECT natural_key FROM picture WHERE natural_key NOT IN (SELECT digest FROM file) ORDER BY n LIMIT 1"
    )
    if lost is not None:
        where = f"{FIXTURE}: studies.picture {lost[0]}"
        raise BundleError(where, "media has no such file in the manifest", EXPORT_AGAIN)
    _check_sizes(bundle)
    _check_trials(bundle)


def check_picture_size(digest: str, told: tuple[int, int], found: tuple[int, int]) -> None:
    """Compare the size that the fixture tells of a picture with that of its file. Raises BundleError."""
    if told != found:
        where = f"{FIXTURE}: studies.picture {digest}"
        raise BundleError(where, f"the file has {found[0]} x {found[1]} pixels", EXPORT_AGAIN)


def _check_references(bundle: Bundle, model: type[models.Model], known: models.ForeignKey[Any, Any]) -> None:
    target = MODELS[known.related_model._meta.label_lower]
    lost = bundle.scratch.first(
        f'SELECT source.natural_key, source."{known.name}" FROM {table(model)} source '
        f'WHERE NOT EXISTS (SELECT 1 FROM {table(target)} target WHERE target.natural_key = source."{known.name}") '
        f"ORDER BY source.n LIMIT 1"
    )
    if lost is not None:
        where = f"{FIXTURE}: {model._meta.label_lower} {told_key(lost[0])}: {known.name}"
        raise BundleError(where, f"{told_key(lost[1])} is not in the fixture", EXPORT_AGAIN)


def _check_sizes(bundle: Bundle) -> None:
    """All pictures of a pair have the same size, as the fixture tells it."""
    unequal = bundle.scratch.first(UNEQUAL_PAIR)
    if unequal is None:
        return
    natural, *digests = unequal
    for digest in digests:
        # Rather than of the pair, a picture of which the fixture tells a wrong size is spoken of.
        told = bundle.scratch.first("SELECT width, height FROM picture WHERE natural_key = ?", (digest,))
        if told is not None:
            check_picture_size(digest, (told[0], told[1]), sound_picture(bundle, digest).size)
    raise BundleError(f"{FIXTURE}: studies.pair {told_key(natural)}", "its pictures differ in size", EXPORT_AGAIN)


def _check_trials(bundle: Bundle) -> None:
    places = ", ".join("?" * len(TRIAL_TYPES))
    odd = bundle.scratch.first(
        f"SELECT natural_key, trial_type FROM trial WHERE trial_type NOT IN ({places}) ORDER BY n LIMIT 1", TRIAL_TYPES
    )
    if odd is not None:
        where = f"{FIXTURE}: studies.trial {told_key(odd[0])}: trial_type"
        raise BundleError(where, f"unknown {odd[1]!r}", f"use one of {', '.join(TRIAL_TYPES)}")
    odd = bundle.scratch.first(
        "SELECT natural_key, kind FROM trial WHERE kind != ? ORDER BY n LIMIT 1", (Trial.Kind.MAIN.value,)
    )
    if odd is not None:
        where = f"{FIXTURE}: studies.trial {told_key(odd[0])}: kind"
        raise BundleError(where, f"{odd[1]!r} trials come from a protocol alone", 'use "main"')
