"""What a report depends on, as one short text: while it stays the same, so does the report.

Web workers ask for it with every page, so nothing here imports the analysis, and the answers are counted by annotator
from their assignments alone.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db.models import Count, Max, Sum

from analysis.models import ImportedResponses
from studies.models import Assignment, Condition, Participation, Protocol, Study, Trial
from studies.services.erasure import ERASED_CODE

APP = Path(__file__).resolve().parent
CODE = (
    (APP, ("*.py", "*.css", "*.json", "*.R")),
    (Path(settings.BASE_DIR) / "templates" / "analysis", ("*.html",)),
)
"""Folders and patterns of the files that make a report what it is."""
FIELDS = (
    "slug",
    "title",
    "question",
    "seed",
    "annotators_per_trial",
    "trials_per_annotator",
    "offer_neither",
    "is_simulated",
    "is_imported",
    "state",
)


@dataclass(frozen=True, slots=True)
class DataState:
    """The data of a study at one moment: their version, and the answers that count.

    `withdrawn` is how many have withdrawn or were erased: a report of before would show what is to be gone.
    """

    version: str
    answers: int
    withdrawn: int


def data_version(study: Study) -> str:
    """A SHA-256 of all that the report depends on; it changes with every answer that counts or ceases to."""
    return data_state(study).version


def data_state(study: Study) -> DataState:
    """The state of a study's data, in six queries.

    Every answer raises the sum of the revisions of an annotator, and sets the time of the last answer. The rest is who
    takes part and counts, what the study and its trials are, the protocol, an import, and the code of the analysis.
    """
    participations = list(
        Participation.objects.filter(study=study, is_preview=False)
        .order_by("pk")
        .values_list("pk", "code", "state", "is_excluded")
    )
    answers = list(
        Assignment.objects.filter(
            participation__study=study, participation__is_preview=False, state=Assignment.State.ANSWERED
        )
        .exclude(kind=Assignment.Kind.PRACTICE)
        .order_by("participation_id")
        .values_list("participation_id")
        .annotate(Count("pk"), Sum("revision"), Max("answered_at"))
    )
    withdrawn = {pk for pk, _, state, _ in participations if state == Participation.State.WITHDRAWN}
    imported = ImportedResponses.objects.filter(study=study).values_list("digest", "kind", "rows", "facts").first()
    depends_on = {
        "code": code_version(),
        "study": [study.pk, *(getattr(study, field) for field in FIELDS)],
        "conditions": list(
            Condition.objects.filter(study=study)
            .order_by("pk")
            .values_list("pk", "dataset", "metric", "network", "attributor", "direction", "improved", "summary")
        ),
        "trials": list(
            Trial.objects.filter(study=study).order_by("kind").values_list("kind").annotate(Count("pk"), Max("pk"))
        ),
        "protocol": Protocol.objects.filter(study=study).aggregate(Max("version"), Max("pk")),
        "participations": [(pk, code, pk in withdrawn, excluded) for pk, code, _, excluded in participations],
        "answers": answers,
        "imported": imported,
    }
    text = json.dumps(depends_on, default=str, sort_keys=True)
    counted = sum(row[1] for row in answers if row[0] not in withdrawn)
    return DataState(
        version=hashlib.sha256(text.encode()).hexdigest(),
        answers=counted if imported is None else imported[2],
        withdrawn=sum(pk in withdrawn or code.startswith(ERASED_CODE) for pk, code, _, _ in participations),
    )


@cache
def code_version() -> str:
    """A SHA-256 of the analysis as it is on the disk: another way of measuring makes another report."""
    digest = hashlib.sha256()
    for folder, patterns in CODE:
        for path in sorted(path for pattern in patterns for path in folder.rglob(pattern)):
            if "tests" not in path.parts and "migrations" not in path.parts:
                digest.update(str(path.relative_to(folder)).encode() + b"\0")
                digest.update(path.read_bytes())
    return digest.hexdigest()
