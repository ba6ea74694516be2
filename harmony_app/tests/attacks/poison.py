"""Every text in the database as an attack on whoever sees it: markup that runs a script where it is not escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Cast, Concat

from studies.models import AuditEntry, PageRecord, Participation, QualityFinding, User

# Ends an attribute, a text and a script; short, so that it fits into a code.
POISON = "'\"><img src=x onerror=alert(1)>"
MARKDOWN = (
    f'{POISON}\n\n<script>alert(2)</script>\n\n[a link](javascript:alert(3))\n\n![x](x" onerror=alert(4) y=")\n\n'
    '<svg onload=alert(5)>\n\n<a href="data:text/html,<script>alert(6)</script>">b</a>'
)
# Texts that nobody can enter: addresses, keys, digests, names of files and of parts of the program.
NOT_ENTERED = {"slug", "token", "digest", "password", "bundle_digest", "text_digest", "trial_type", "kind", "key"}
APPS = ("studies",)


def _texts() -> Iterator[tuple[type[models.Model], Sequence[models.Field[Any, Any]]]]:
    for label in APPS:
        for model in apps.get_app_config(label).get_models():
            fields = [
                field
                for field in model._meta.local_concrete_fields
                if isinstance(field, models.CharField | models.TextField)
                and not field.choices
                and field.name not in NOT_ENTERED
                and (field.max_length is None or field.max_length > len(POISON) + 5)
            ]
            yield model, fields


def poison_all_texts() -> int:
    """Write the poison, made unique by the primary key, into every text of every row; returns how many columns."""
    columns = 0
    for model, fields in _texts():
        for field in fields:
            # Past the model's own queryset, which may refuse to change rows.
            unique = Concat(Value(POISON), Cast(F("pk"), models.CharField()), output_field=models.CharField())
            QuerySet(model).update(**{field.name: unique})
            columns += 1
    return columns


def poisonous_rows(participation: Participation, actor: User) -> None:
    """Add rows with texts within JSON: an entry of the log, a completed page, a finding."""
    study = participation.study
    AuditEntry.objects.create(study=study, actor=actor, action=POISON, detail={POISON: POISON, "reason": POISON})
    PageRecord.objects.create(
        participation=participation,
        key="about-you",
        kind="questionnaire",
        uuid="0d0c4f0e-6a3c-4d83-9df1-5f0a6a2f6c11",
        answers={POISON: POISON, "remarks": MARKDOWN, "many": [POISON, POISON]},
    )
    QualityFinding.objects.create(
        participation=participation, rule="catch_accuracy", value=0.5, limit=0.6, action="flag"
    )
