"""Studies and the people around them, for the tests of who may do what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.test import Client

from analysis.models import ReportRun
from analysis.tests.computed import computed_report
from studies.models import ApiToken, Assignment, Build, Collaborator, Link, Participation, Study, User
from studies.protocol.markdown import text_digest
from studies.services import assignments_draw, copy_study, enrol, load_bundle
from studies.services.tokens import token_make
from studies.tests.build_configs import CONFIG
from studies.tests.flow_studies import TRIALS, WELCOME, add_protocol
from studies.tests.test_drawing import answer


@dataclass(frozen=True)
class Scene:
    """The study `tiny` with its people, and another one with its own. `answered` and `live` are the annotator's.

    `paged` has the same people as `study`, and a protocol with a page before the trials.
    """

    study: Study
    paged: Study
    other_study: Study
    annotator: User
    other_annotator: User
    owner: User
    collaborator: User
    other_researcher: User
    admin: User
    participation: Participation
    other_participation: Participation
    answered: Assignment
    live: Assignment
    link: Link
    token: ApiToken
    report: ReportRun
    build: Build
    failed_build: Build
    # The browsers of those who have asked for something, by primary key.
    clients: dict[int | None, Client] = field(default_factory=dict)

    @property
    def welcome_digest(self) -> str:
        """The digest of the page before the trials of `paged`."""
        return text_digest(WELCOME["markdown"])

    @property
    def arguments(self) -> Mapping[str, str]:
        """What the addresses' arguments are called, and what they are here."""
        return {
            "slug": self.study.slug,
            "token": self.live.token,
            "slot": "left",
            "digest": self.live.trial.pair.original.digest,
            "name": "report.json",
            "run": str(self.report.pk),
            "code": self.participation.code,
            "pk": str(self.live.trial_id),
            "key": "welcome",
            "version": "1",
            "state": "paused",
            "language": "de",
        }


def build_scene(bundle: Path) -> Scene:
    """Write the studies and the people into the database."""
    study = load_bundle(folder=bundle).study
    paged, other_study = (copy_study(study=study, slug=slug) for slug in ("paged", "other"))
    add_protocol(paged, WELCOME, TRIALS, recruitment={"prolific": {"completed": "C1"}})
    names = ["annotator", "other-annotator", "owner", "collaborator", "other-researcher", "admin"]
    people = {name: User.objects.create(username=name, is_staff=name not in names[:2]) for name in names}
    people["admin"].is_superuser = True
    people["admin"].save()
    for one in (study, paged, other_study):
        one.owner = people["other-researcher" if one is other_study else "owner"]
        one.state = Study.State.OPEN
        one.save()
    for one in (study, paged):
        Collaborator.objects.create(study=one, user=people["collaborator"])
        enrol(study=one, annotator=people["annotator"])
    participation = Participation.objects.get(study=study)
    other_participation = enrol(study=other_study, annotator=people["other-annotator"])
    answered, live = assignments_draw(participation=participation, count=2)
    answer(answered)
    return Scene(
        study=study,
        paged=paged,
        other_study=other_study,
        annotator=people["annotator"],
        other_annotator=people["other-annotator"],
        owner=people["owner"],
        collaborator=people["collaborator"],
        other_researcher=people["other-researcher"],
        admin=people["admin"],
        participation=participation,
        other_participation=other_participation,
        answered=answered,
        live=live,
        link=Link.objects.create(study=study, kind=Link.Kind.OPEN),
        token=token_make(user=people["owner"], name="desk")[0],
        report=computed_report(study),
        build=Build.objects.create(owner=people["owner"], name="queued", config=CONFIG, file_name="a.toml"),
        failed_build=Build.objects.create(
            owner=people["owner"], name="shapes", config=CONFIG, file_name="b.toml", state=Build.State.FAILED
        ),
    )
