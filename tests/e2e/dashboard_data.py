"""Give a study of the browser tests a researcher who owns it, and something to look at.

Run as a program in the server's environment: python -m tests.e2e.dashboard_data SLUG

The researcher is named `researcher-of-SLUG` and is logged in from the start. The study's annotator has answered a few
trials, one of them with times that cannot be; another annotator is excluded. There is a protocol with a quality rule.
"""

import sys
from datetime import timedelta
from uuid import uuid4

from tests.e2e.site_data import session_key

ANSWERED = 4
PROTOCOL = """
[[pages]]
kind = "consent"
title = "Taking part"
markdown = "You see *maps* and choose."

[[pages]]
kind = "trials"

[[pages]]
kind = "questionnaire"
key = "about-you"
title = "About you"
[[pages.fields]]
name = "age"
label = "Your age"
kind = "number"

[trials]
annotators_per_trial = 2
confidence = 3

[[quality]]
rule = "fast_share"
limit = 0.1

[recruitment]
places = 40

[recruitment.prolific]
completed = "C0MPLETE"
"""


def researcher_of(slug: str) -> str:
    """Return the user name of the study's researcher."""
    return f"researcher-of-{slug}"


def fill(slug: str) -> None:
    """Write the researcher, the answers and what is around them."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session
    from django.utils import timezone

    from studies.models import (
        Assignment,
        Collaborator,
        PageRecord,
        Participation,
        QualityFinding,
        Response,
        Study,
        User,
    )
    from studies.services import assignments_draw, enrol
    from studies.services.links import link_revoke, links_create
    from studies.services.protocols import protocol_set

    study = Study.objects.get(slug=slug)
    owner = User.objects.create(username=researcher_of(slug), is_staff=True)
    colleague = User.objects.create(username=f"colleague-of-{slug}", is_staff=True)
    study.owner = owner
    study.save()
    Collaborator.objects.create(study=study, user=colleague)
    participation = Participation.objects.get(study=study)
    now = timezone.now()
    drawn = assignments_draw(participation=participation, count=ANSWERED)
    for number, assignment in enumerate(drawn):
        at = now - timedelta(minutes=20 - 3 * number)
        Response.objects.create(
            assignment=assignment,
            revision=1,
            uuid=uuid4(),
            given=assignment.side,
            choice="finetuned",
            rt_ms=(120.0, 1500.0, 2300.0, 900.0)[number],
            flags=["faster_than_possible"] if number == 0 else [],
            timing={"hidden": number},
            reason="It follows the outline." if number == 1 else "",
            created_at=at,
        )
        Assignment.objects.filter(pk=assignment.pk).update(state="answered", revision=1, answered_at=at)
    PageRecord.objects.create(
        participation=participation,
        key="consent",
        kind="consent",
        uuid=uuid4(),
        answers={"accepted": True},
        completed_at=now - timedelta(minutes=30),
        shown_seconds=41,
    )
    QualityFinding.objects.create(participation=participation, rule="fast_share", value=0.25, limit=0.1, action="flag")
    excluded = enrol(study=study, annotator=User.objects.create(username=f"{slug}-excluded"))
    Participation.objects.filter(pk=excluded.pk).update(
        is_excluded=True, excluded_because="not a person", state="failed_checks", finished_at=now
    )
    links_create(study=study, kind="open", label="Pilot", quota=20, expires_at=now + timedelta(days=9), actor=owner)
    for link in links_create(study=study, kind="invitation", count=2, actor=owner)[1:]:
        link_revoke(link=link, actor=owner)
    protocol_set(study=study, text=PROTOCOL, name="protocol.toml", actor=owner, reason="To ask for confidence.")
    logged_in = {
        SESSION_KEY: str(owner.pk),
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        HASH_SESSION_KEY: owner.get_session_auth_hash(),
    }
    Session.objects.create(
        session_key=session_key(owner.username),
        session_data=SessionStore().encode(logged_in),
        expire_date=now + timedelta(days=1),
    )


if __name__ == "__main__":
    import django

    django.setup()
    fill(sys.argv[1])
