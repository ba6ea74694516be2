"""What `loaddata` may write over existing rows.

Signals, since `loaddata` saves rows past any method of the model.
"""

from typing import Any

from django.core.management.base import CommandError
from django.db.models import Model
from django.db.models.signals import pre_save

from studies.models.materials import Condition, Fixed, Image, Pair, Study, Trial


class AnsweredStudyError(CommandError):
    """A fixture would have changed what the answers of a study are about; nothing was written."""


def guard_fixture_row(sender: type[Model], instance: Any, raw: bool, using: str, **kwargs: object) -> None:
    """Let `loaddata` repeat a row, and change or add one only where the study has no responses.

    A row keeps its bookkeeping. A study that is changed is no longer what `load_study` loaded: its bundle's digest is
    forgotten. Raises AnsweredStudyError.
    """
    if not raw:
        return
    stored: dict[str, Any] | None = None
    if instance.pk is not None:
        stored = sender._base_manager.using(using).filter(pk=instance.pk).order_by("pk").values().first()
    bookkeeping = instance.bookkeeping_columns() if isinstance(instance, Fixed) else []
    if stored is not None:
        for name in bookkeeping:
            setattr(instance, name, stored[name])
    compared = [field.attname for field in sender._meta.local_concrete_fields if field.attname not in bookkeeping]
    differing = [name for name in compared if stored is None or stored[name] != getattr(instance, name)]
    if not differing:
        return
    studies = Study._base_manager.using(using).filter(pk__in=_studies(sender, instance, stored, using))
    answered = studies.filter(participations__assignments__revision__gte=1).values_list("slug", flat=True).first()
    if answered is not None:
        what = "is not in the database" if stored is None else f"has another {', '.join(differing)} in the database"
        raise AnsweredStudyError(
            f"{sender._meta.label_lower} {list(instance.natural_key())}: {what}, and the study {answered} has "
            f"responses; export the changed study under another slug and load it with `manage.py load_study`"
        )
    studies.exclude(bundle_digest="").update(bundle_digest="")
    if isinstance(instance, Study):
        instance.bundle_digest = ""


def _studies(sender: type[Model], instance: Any, stored: dict[str, Any] | None, using: str) -> set[int]:
    """Return the primary keys of the studies that own the row before and after."""
    if sender is Study:
        return set() if stored is None else {instance.pk}
    column = "condition_id" if sender is Pair else "study_id"
    owners = {getattr(instance, column)} | (set() if stored is None else {stored[column]})
    if sender is Pair:
        conditions = Condition._base_manager.using(using).filter(pk__in=owners)
        return set(conditions.values_list("study_id", flat=True))
    return owners


for _model in (Study, Condition, Image, Pair, Trial):
    pre_save.connect(guard_fixture_row, sender=_model, dispatch_uid=f"fixture row of {_model.__name__}")
