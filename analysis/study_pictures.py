"""The pictures of a study's trials, for the examples of its report."""

from collections.abc import Mapping

from analysis.imported import PICTURE_ROLES, imported_pictures
from analysis.pictures import PictureSource
from studies.media import stored_bytes
from studies.models import Study, Trial


def study_pictures(study: Study) -> PictureSource:
    """A function from the key of a trial to its pictures; each call reads one trial."""
    if study.is_imported:
        names = imported_pictures(study)

        def imported(trial: str) -> Mapping[str, bytes] | None:
            found = names.get(trial)
            return None if found is None else _read({role: getattr(found, role) for role in PICTURE_ROLES})

        return imported

    def stored(trial: str) -> Mapping[str, bytes] | None:
        found = (
            Trial.objects.filter(study=study, key=trial)
            .select_related("pair__image__picture", "pair__original", "pair__finetuned")
            .first()
        )
        if found is None:
            return None
        pair = found.pair
        return _read(
            {
                "image": pair.image.picture.path,
                "original": pair.original.path,
                "finetuned": pair.finetuned.path,
            }
        )

    return stored


def _read(names: Mapping[str, str | None]) -> Mapping[str, bytes] | None:
    """The bytes of all that are there; None where one is missing, so that no map stands alone."""
    content: dict[str, bytes] = {}
    for role, name in names.items():
        if not name:
            return None
        try:
            content[role] = stored_bytes(name)
        except FileNotFoundError:
            return None
    return content
