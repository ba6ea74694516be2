"""Load a bundle into Harmony and log its annotators in: prints their session cookies as JSON.

`main` runs in the site's environment with the folder of the bundle and the sizes as JSON as arguments:
{"annotators": 10, "responses": 30000}
"""

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db.models import Count, F
from django.test import Client
from django.utils import timezone

from studies.models import Assignment, Participation, Response, Study, Trial, User
from studies.services import enrol, load_bundle

EARLIER = 50


def account(study: Study, username: str) -> tuple[Participation, dict[str, Any]]:
    """Make a user who takes part in the study, and log them in."""
    user = User.objects.create(username=username)
    participation = enrol(study=study, annotator=user)
    client = Client()
    # The last one is that which a log-in by password leaves in the session.
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    return participation, {"pk": user.pk, "cookies": f"sessionid={client.cookies['sessionid'].value}"}


def answered_before(study: Study, participations: list[Participation], number: int) -> None:
    """Store `number` answers of earlier annotators, spread evenly over trials and annotators."""
    trials = list(Trial.objects.filter(study=study).order_by("pk"))
    number = min(number, len(trials) * len(participations))
    now = timezone.now()
    positions = dict.fromkeys(range(len(participations)), 0)
    assignments = []
    for turn, place in (divmod(each, len(trials)) for each in range(number)):
        who = (place * 5 + turn) % len(participations)
        positions[who] += 1
        assignments.append(
            Assignment(
                participation=participations[who],
                trial=trials[place],
                position=positions[who],
                side=Assignment.Side.LEFT if place % 2 else Assignment.Side.RIGHT,
                state=Assignment.State.ANSWERED,
                revision=1,
                answered_at=now,
                expires_at=now + timedelta(hours=1),
            )
        )
    Assignment.objects.bulk_create(assignments, batch_size=1000)
    Response.objects.bulk_create(
        (
            Response(assignment=assignment, revision=1, uuid=uuid4(), given="neither", choice="neither", rt_ms=900)
            for assignment in assignments
        ),
        batch_size=1000,
    )
    given = dict(Assignment.objects.values_list("trial").annotate(Count("pk")))
    for often in set(given.values()):
        pks = [pk for pk, times in given.items() if times == often]
        for start in range(0, len(pks), 1000):
            Trial.objects.filter(pk__in=pks[start : start + 1000]).update(assigned=F("assigned") + often)


def fill(bundle: Path, sizes: dict[str, int]) -> dict[str, Any]:
    """Return what the load needs to know: the study's slug, and its annotators' users and cookies."""
    study = load_bundle(folder=bundle).study
    earlier = [account(study, f"earlier-{number}") for number in range(EARLIER)]
    answered_before(study, [participation for participation, _ in earlier], sizes["responses"])
    annotators = [account(study, f"annotator-{number}")[1] for number in range(sizes["annotators"])]
    return {"slug": study.slug, "annotators": annotators, "earlier": earlier[0][1]}


def main() -> None:
    """Read the arguments, print JSON."""
    json.dump(fill(Path(sys.argv[1]), json.loads(sys.argv[2])), sys.stdout)
