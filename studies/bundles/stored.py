"""What the database holds of a bundle."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Model, QuerySet

from studies.bundles.fixture import Fields, Key, Rows, bundle_fields, natural_key
from studies.models import Condition, Image, Pair, Picture, Study, Trial

Keys = Mapping[int, Key]


def stored_rows(study: Study, pictures: Collection[Key]) -> Rows:
    """Return the rows of a study as `read_fixture` would, with those of the named pictures that are there.

    A reference to a picture that is not named is None. Takes as many queries as there are models.
    """
    digests = [digest for (digest,) in pictures]
    # In batches, as databases bound the number of values in a query.
    found = Picture.objects.in_bulk(digests, field_name="digest").values()
    picture_keys = {picture.pk: (picture.digest,) for picture in found}
    study_keys = {study.pk: (study.slug,)}
    condition_keys, conditions = _table(Condition.objects.filter(study=study), study=study_keys)
    image_keys, images = _table(Image.objects.filter(study=study), study=study_keys, picture=picture_keys)
    pair_keys, pairs = _table(
        Pair.objects.filter(condition__study=study),
        condition=condition_keys,
        image=image_keys,
        original=picture_keys,
        finetuned=picture_keys,
    )
    # Catch and practice trials come from the study's protocol, not from a bundle.
    mains = Trial.objects.filter(study=study, kind=Trial.Kind.MAIN)
    _, trials = _table(mains, study=study_keys, pair=pair_keys)
    return Rows(
        study={name: getattr(study, name) for name in bundle_fields(Study)},
        pictures={
            (picture.digest,): {name: getattr(picture, name) for name in bundle_fields(Picture)} for picture in found
        },
        conditions=conditions,
        images=images,
        pairs=pairs,
        trials=trials,
    )


def _table(rows: QuerySet[Any], **references: Keys) -> tuple[dict[int, Key], dict[Key, Fields]]:
    """Return the natural keys of the rows by primary key, and their fields by natural key."""
    model: type[Model] = rows.model
    keys: dict[int, Key] = {}
    table: dict[Key, Fields] = {}
    for row in rows.values("pk", *bundle_fields(model)):
        pk = row.pop("pk")
        fields = {name: references[name].get(value) if name in references else value for name, value in row.items()}
        keys[pk] = natural_key(model, fields)
        table[keys[pk]] = fields
    return keys, table
