"""What `study_is_consistent` and `manage.py check_study` find, and that they find nothing in studies that are whole."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from studies.consistency import pictures_are_whole, study_is_consistent
from studies.models import (
    Assignment,
    AuditEntry,
    ExternalIdentity,
    Link,
    LinkUse,
    PageRecord,
    Participation,
    Picture,
    Protocol,
    Response,
    Study,
    Trial,
    User,
)
from studies.services import assignments_draw, copy_study, protocol_set
from studies.services.previews import preview_start
from studies.services.quality import participation_exclude, participation_readmit
from studies.services.withdrawal import participation_withdraw
from studies.simulation import simulate_annotators
from studies.tests.flow_studies import add_protocol, answer_all, complete, step, walk_to_trials
from studies.tests.test_next_assignments_api import answer, ask

CHECKED = """
[[pages]]
kind = "trials"

[trials]
annotators_per_trial = 4
per_annotator = 10

[catch]
share = 0.2
make = 2

[repeats]
share = 0.3
distance = 3
"""


@pytest.fixture
def in_trials(annotator_client: Client, participation: Participation) -> Participation:
    """Who has completed the pages before the trials and answered three of them."""
    add_protocol(participation.study)
    walk_to_trials(annotator_client)
    for row in ask(annotator_client, count=5)["assignments"][:3]:
        answer(annotator_client, row["token"])
    return participation


@pytest.fixture
def simulated(tiny_study: Study) -> Study:
    """A study with catch trials and repeats, answered by four simulated annotators."""
    protocol_set(study=tiny_study, text=CHECKED, name="checked.toml")
    copy = copy_study(study=tiny_study, slug="copy", is_simulated=True)
    simulate_annotators(study=copy, annotators=4, seed=1)
    return copy


def only_fault(study: Study) -> str:
    (fault,) = study_is_consistent(study)
    return fault


def test_a_study_in_the_middle_is_consistent(in_trials: Participation) -> None:
    assert study_is_consistent(in_trials.study) == []


def test_a_study_at_its_end_is_consistent(annotator_client: Client, in_trials: Participation) -> None:
    answer_all(annotator_client)
    complete(annotator_client, step(annotator_client)["step"]["page"])
    assert step(annotator_client)["step"]["kind"] == "finished"
    assert study_is_consistent(in_trials.study) == []


def test_a_simulated_study_is_consistent(simulated: Study) -> None:
    assert simulated.trials.filter(assignments__kind="repeat").exists()
    assert study_is_consistent(simulated) == []


def test_an_excluded_and_readmitted_annotator_leaves_the_study_consistent(in_trials: Participation) -> None:
    participation_exclude(in_trials, "by hand")
    assert study_is_consistent(in_trials.study) == []
    participation_readmit(in_trials)
    assert study_is_consistent(in_trials.study) == []


@pytest.mark.parametrize("delete", [True, False])
def test_a_withdrawal_leaves_the_study_consistent(in_trials: Participation, delete: bool) -> None:
    participation_withdraw(participation=in_trials, delete=delete)
    assert study_is_consistent(in_trials.study) == []


def test_a_place_too_many_is_found(in_trials: Participation) -> None:
    held = Trial.objects.filter(assigned=1).first()
    assert held is not None
    Trial.objects.filter(pk=held.pk).update(assigned=2)
    assert only_fault(in_trials.study) == f"trial {held.key}: assigned is 2, but 1 assignments hold a place"


def test_a_missing_revision_is_found(in_trials: Participation) -> None:
    Assignment.objects.filter(position=1).update(revision=2)
    assert only_fault(in_trials.study) == "A01, position 1: revision is 2, but 1 responses are stored"


def test_an_answer_to_an_open_assignment_is_found(in_trials: Participation) -> None:
    Assignment.objects.filter(position=2).update(state="live", revision=0, answered_at=None)
    assert only_fault(in_trials.study) == "A01, position 2: revision is 0, but 1 responses are stored"


def test_a_gap_in_the_positions_is_found(in_trials: Participation) -> None:
    Assignment.objects.filter(position=10).update(position=12)
    assert only_fault(in_trials.study) == "A01: 10 positions go from 1 to 12"


def test_a_trial_of_another_kind_is_found(in_trials: Participation) -> None:
    key = Assignment.objects.get(position=4).trial.key
    Trial.objects.filter(key=key).update(kind="catch", expected="original")
    assert only_fault(in_trials.study) == f"A01, position 4: kind is main, which the trial {key} is not for"


def test_a_repeat_on_the_same_side_is_found(simulated: Study) -> None:
    repeat = Assignment.objects.filter(kind="repeat").first()
    assert repeat is not None
    assert repeat.repeat_of is not None
    Assignment.objects.filter(pk=repeat.pk).update(side=repeat.repeat_of.side)
    faults = study_is_consistent(simulated)
    name = f"{repeat.participation.code}, position {repeat.position}"
    assert f"{name}: the repeat has the same side as the first time, at position {repeat.repeat_of.position}" in faults
    # What was answered on the side that was shown is translated wrongly now.
    assert all(fault.startswith(name) for fault in faults)


def test_a_repeat_of_another_trial_is_found(simulated: Study) -> None:
    repeat = Assignment.objects.filter(kind="repeat").first()
    assert repeat is not None
    had = Assignment.objects.filter(participation=repeat.participation, kind="repeat").values("trial")
    other = simulated.trials.filter(kind="main").exclude(pk__in=had).first()
    assert other is not None
    Assignment.objects.filter(pk=repeat.pk).update(trial=other)
    name = f"{repeat.participation.code}, position {repeat.position}"
    assert only_fault(simulated) == f"{name}: the repeat is of another trial"


def test_a_choice_that_was_not_given_is_found(in_trials: Participation) -> None:
    row = Response.objects.get(assignment__position=1)
    swapped = "original" if row.choice == "finetuned" else "finetuned"
    # Past the model, which refuses it.
    with connection.cursor() as cursor:
        cursor.execute("UPDATE studies_response SET choice = %s WHERE id = %s", [swapped, row.pk])
    side = row.assignment.side
    assert only_fault(in_trials.study) == (
        f"A01, position 1: {row.given} is stored as {swapped}, with the finetuned map on the {side}"
    )


def test_an_answer_that_was_not_offered_is_found(in_trials: Participation) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE studies_response SET given = 'equal', choice = 'equal'")
    assert only_fault(in_trials.study) == "A01: gave equal, which the protocol does not offer"


def test_answers_of_someone_who_wanted_them_deleted_are_found(in_trials: Participation) -> None:
    AuditEntry.objects.create(
        study=in_trials.study, action="participation_withdrawn", detail={"participation": "A01", "deleted": True}
    )
    assert study_is_consistent(in_trials.study) == [
        "A01: wanted everything deleted, but is active",
        "A01: wanted everything deleted, but there are 3 answers, 10 assignments, 3 pages and 0 findings",
    ]


def test_ids_that_should_be_erased_are_found(in_trials: Participation) -> None:
    participation_withdraw(participation=in_trials, delete=True)
    ExternalIdentity.objects.create(
        study=in_trials.study, participation=in_trials, service="prolific", digest="d", external_id="someone"
    )
    assert only_fault(in_trials.study) == "A01: the ids of the recruitment service are erased, but there"


def test_counted_and_open_assignments_of_an_excluded_annotator_are_found(in_trials: Participation) -> None:
    participation_exclude(in_trials, "by hand")
    trial = Assignment.objects.get(position=9).trial
    Assignment.objects.filter(position=9).update(state="live", is_counted=True)
    Trial.objects.filter(pk=trial.pk).update(assigned=1)
    assert study_is_consistent(in_trials.study) == [
        "A01: is left out (failed_checks), but assignments count",
        "A01: has ended, but has open assignments",
    ]


def test_an_exclusion_that_nobody_wrote_down_is_found(in_trials: Participation) -> None:
    AuditEntry.objects.create(
        study=in_trials.study, action="participation_excluded", detail={"participation": "A01", "because": "?"}
    )
    assert only_fault(in_trials.study) == ("A01: is_excluded is False, but the audit log has 1 exclusions that hold")


def record(participation: Participation, key: str, **values: Any) -> None:
    PageRecord.objects.create(participation=participation, key=key, kind="text", uuid=uuid4(), **values)


def test_a_page_that_the_protocol_does_not_have_is_found(in_trials: Participation) -> None:
    record(in_trials, "extra")
    assert study_is_consistent(in_trials.study) == [
        "A01: completed the text page extra, which the protocol does not have",
        "A01: completed the pages consent, welcome, about-you, extra, which leaves out others before them",
    ]


def test_another_wording_is_found(in_trials: Participation) -> None:
    Protocol.objects.update(document=changed(Protocol.objects.get()))
    assert only_fault(in_trials.study) == "A01: completed the page consent with another wording than the protocol's"


def changed(protocol: Protocol) -> dict[str, Any]:
    document: dict[str, Any] = protocol.document
    document["pages"][0]["markdown"] = "Please agree to more."
    return document


def test_trials_before_their_pages_are_found(in_trials: Participation) -> None:
    PageRecord.objects.filter(key="about-you").delete()
    assert only_fault(in_trials.study) == "A01: was given 10 trials before the pages about-you"


def test_a_completed_participation_without_an_end_is_found(in_trials: Participation) -> None:
    Participation.objects.update(state="completed")
    assert study_is_consistent(in_trials.study) == [
        "A01: is completed without an end",
        "A01: is completed, but the end of the trials is not recorded",
    ]


def test_a_link_beyond_its_quota_is_found(in_trials: Participation) -> None:
    link = Link.objects.create(study=in_trials.study, kind="open", quota=1)
    LinkUse.objects.create(link=link, participation=in_trials, number=1)
    assert study_is_consistent(in_trials.study) == []
    someone = User.objects.create_user("someone")
    other = Participation.objects.create(study=in_trials.study, annotator=someone, code="A02")
    LinkUse.objects.create(link=link, participation=other, number=2)
    assert only_fault(in_trials.study) == f"link {link.pk}: was used more than 1 times"


def content_of(picture: Picture) -> bytes:
    with default_storage.open(picture.path) as file:
        content: bytes = file.read()
    return content


def test_pictures_that_are_missing_or_damaged_are_found(tiny_study: Study) -> None:
    assert pictures_are_whole(tiny_study) == []
    missing, damaged = Picture.objects.order_by("digest")[:2]
    kept = {picture: content_of(picture) for picture in (missing, damaged)}
    try:
        default_storage.delete(missing.path)
        default_storage.delete(damaged.path)
        default_storage.save(damaged.path, ContentFile(kept[damaged][:100]))
        assert pictures_are_whole(tiny_study) == [
            f"{missing.path}: is missing in the storage",
            f"{damaged.path}: has other bytes than its name says; load the bundle again",
        ]
    finally:
        # The storage outlives the test.
        default_storage.delete(damaged.path)
        for picture, content in kept.items():
            default_storage.save(picture.path, ContentFile(content))


def test_the_number_of_queries_does_not_grow_with_the_study(
    simulated: Study, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(27):
        study_is_consistent(simulated)


def test_the_command_says_what_is_wrong_and_fails(in_trials: Participation, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_study", "tiny", "--pictures")
    assert capsys.readouterr().out == "tiny: consistent\n"
    Assignment.objects.filter(position=1).update(revision=2)
    with pytest.raises(CommandError, match="1 things do not fit together"):
        call_command("check_study")
    assert capsys.readouterr().out == "tiny: A01, position 1: revision is 2, but 1 responses are stored\n"


def test_an_unknown_study_is_named(db: None) -> None:
    with pytest.raises(CommandError, match="unknown study nothing"):
        call_command("check_study", "nothing")


def test_a_preview_after_one_that_was_withdrawn_is_consistent(tiny_study: Study, new_user: Callable[..., User]) -> None:
    researcher = new_user("researcher")
    first = preview_start(study=tiny_study, actor=researcher)
    assignments_draw(participation=first, count=3)
    assert study_is_consistent(tiny_study) == []
    participation_exclude(first, "by hand")
    participation_withdraw(participation=first, delete=True)
    second = preview_start(study=tiny_study, actor=researcher)
    assignments_draw(participation=second, count=3)
    assert study_is_consistent(tiny_study) == []


def test_late_answers_and_released_places_are_consistent(
    annotator_client: Client, in_trials: Participation, new_user: Callable[..., User]
) -> None:
    open_one = ask(annotator_client, count=1)["assignments"][0]
    Assignment.objects.filter(state="live").update(expires_at=timezone.now() - timedelta(minutes=1))
    Assignment.objects.filter(state="live").update(state="released")
    Trial.objects.exclude(assignments__state="answered").update(assigned=0)
    assert study_is_consistent(in_trials.study) == []
    answer(annotator_client, open_one["token"])
    assert study_is_consistent(in_trials.study) == []
