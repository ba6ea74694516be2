"""Findings of quality rules, leaving annotators out, and taking them back."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from studies.models import Assignment, AuditEntry, Participation, QualityFinding, Response, Trial
from studies.selectors_quality import session_of
from studies.services import assignments_draw
from studies.services.quality import participation_exclude, participation_readmit, quality_review
from studies.tests.flow_studies import GOODBYE, TRIALS, add_protocol, answer_all, fresh, step
from studies.tests.test_next_assignments_api import ADDRESS, answer

FAST = {"rule": "fast_share", "limit": 0.5, "fast_ms": 950}


def started(participation: Participation, *rules: dict[str, Any], **parts: Any) -> Participation:
    """Return the participation, started under a protocol with these rules."""
    protocol = add_protocol(participation.study, TRIALS, GOODBYE, quality=list(rules), **parts)
    Participation.objects.update(protocol=protocol, started_at=timezone.now())
    return fresh(participation)


def put(
    participation: Participation, position: int, *, kind: str = "main", given: str = "left", **answer: Any
) -> Assignment:
    """Store an answered assignment of a kind, past the draw. Only catch trials are right with `finetuned`."""
    trial = participation.study.trials.filter(kind="main").order_by("key")[position]
    if kind == "catch":
        trial = catch_trial(participation, position)
    assignment = Assignment.objects.create(
        participation=participation,
        trial=trial,
        kind=kind,
        repeat_of=answer.pop("repeat_of", None),
        is_counted=kind == "main",
        position=position + 1,
        side="left",
        state="answered",
        revision=1,
        answered_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )
    choice = {"left": "finetuned", "right": "original"}.get(given, given)
    stored = {"revision": 1, "uuid": uuid4(), "given": given, "choice": choice, "rt_ms": 1000.0, **answer}
    Response.objects.create(assignment=assignment, **stored)
    return assignment


def catch_trial(participation: Participation, number: int) -> Trial:
    pair = participation.study.trials.filter(kind="main").order_by("key")[number].pair
    fields = {"pair": pair, "expected": "finetuned", "kind": "catch"}
    return Trial.objects.get_or_create(study=participation.study, key=f"catch-{number}", defaults=fields)[0]


def findings(participation: Participation) -> list[tuple[str, float]]:
    return list(QualityFinding.objects.filter(participation=participation).values_list("rule", "value"))


def test_a_session_is_what_counts_now_in_the_order_of_the_trials(participation: Participation) -> None:
    first = put(participation, 0, timing={"hidden": 2})
    put(participation, 1, kind="catch", given="right")
    Assignment.objects.filter(pk=first.pk).update(revision=2)
    Response.objects.create(
        assignment=first, revision=2, uuid=uuid4(), given="right", choice="original", rt_ms=700.0, timing={"blurred": 1}
    )
    put(participation, 2, kind="repeat", repeat_of=first)
    session = session_of(participation)
    assert [(one.kind, one.choice, one.expected, one.earlier, one.absences) for one in session.answers] == [
        ("main", "original", "", None, 1),
        ("catch", "original", "finetuned", None, 0),
        ("repeat", "finetuned", "", "original", 0),
    ]


def test_the_time_of_a_session_runs_from_the_first_trial_given_out_to_the_last_answer(
    participation: Participation,
) -> None:
    start = timezone.now()
    for position, minutes in ((0, 1), (1, 4)):
        put(participation, position, created_at=start + timedelta(minutes=minutes))
    Assignment.objects.update(issued_at=start)
    assert session_of(participation).seconds == 240


def test_practice_trials_are_not_looked_at(participation: Participation) -> None:
    put(participation, 0)
    Assignment.objects.update(kind="practice", round=1, is_counted=False)
    assert session_of(participation).answers == ()


def test_a_finding_follows_the_answers_and_goes_when_the_rule_is_met(participation: Participation) -> None:
    participation = started(participation, FAST)
    put(participation, 0, rt_ms=100.0)
    quality_review(participation)
    assert findings(participation) == [("fast_share", 1.0)]
    put(participation, 1, rt_ms=100.0)
    put(participation, 2, rt_ms=2000.0)
    quality_review(participation)
    [(rule, value)] = findings(participation)
    assert (rule, round(value, 4)) == ("fast_share", 0.6667)
    put(participation, 3, rt_ms=2000.0)
    quality_review(participation)
    assert findings(participation) == []


def test_findings_stay_as_they_are_after_the_end(participation: Participation) -> None:
    participation = started(participation, FAST)
    put(participation, 0, rt_ms=100.0)
    quality_review(participation)
    Participation.objects.update(state="completed")
    put(participation, 1, rt_ms=2000.0)
    quality_review(fresh(participation))
    assert findings(participation) == [("fast_share", 1.0)]


def test_a_rule_that_excludes_does_not_do_so_before_the_end(participation: Participation) -> None:
    participation = started(participation, {**FAST, "action": "exclude"})
    put(participation, 0, rt_ms=100.0)
    quality_review(participation)
    assert findings(participation) == [("fast_share", 1.0)]
    assert fresh(participation).state == "active"


def test_a_rule_that_flags_never_excludes(participation: Participation) -> None:
    participation = started(participation, FAST)
    put(participation, 0, rt_ms=100.0)
    quality_review(participation, at_end=True)
    assert not fresh(participation).is_excluded


def test_a_preview_is_not_looked_at(participation: Participation) -> None:
    participation = started(participation, {**FAST, "action": "exclude"})
    Participation.objects.update(is_preview=True)
    put(participation, 0, rt_ms=100.0)
    quality_review(fresh(participation), at_end=True)
    assert findings(participation) == []


CATCH = {"rule": "catch_accuracy", "limit": 0.6, "action": "exclude"}
# Of 12 main trials, 5 catch trials: two may be wrong.
CATCHES = {"catch": {"share": 0.4, "make": 5}}


def with_catches(participation: Participation) -> Participation:
    for number in range(5):
        catch_trial(participation, number)
    return started(participation, CATCH, **CATCHES)


def test_the_catch_accuracy_excludes_once_it_can_no_longer_be_met(participation: Participation) -> None:
    participation = with_catches(participation)
    for position, state in ((0, "active"), (1, "active"), (2, "failed_checks")):
        put(participation, position, kind="catch", given="right")
        quality_review(participation)
        assert participation.state == state
    assert participation.excluded_because == "catch_accuracy: 0, limit 0.6"


def test_the_end_of_the_trials_excludes_who_breaks_a_rule(
    annotator_client: Client, participation: Participation
) -> None:
    # Every answer of the test's browser takes 900.25 ms.
    participation = started(participation, {**FAST, "action": "exclude"})
    step(annotator_client)
    answer_all(annotator_client)
    reply = step(annotator_client)
    assert reply["step"]["outcome"] == "failed_checks"
    excluded = fresh(participation)
    assert (excluded.state, excluded.is_excluded) == ("failed_checks", True)
    assert excluded.excluded_because == "fast_share: 1, limit 0.5"
    assert set(Trial.objects.values_list("assigned", flat=True)) == {0}
    assert annotator_client.post(ADDRESS, {}, content_type="application/json").json()["code"] == "ended"
    assert list(AuditEntry.objects.values_list("action", "detail__participation")) == [
        ("participation_excluded", "A01")
    ]


def test_leaving_someone_out_returns_their_places_and_releases_what_is_open(participation: Participation) -> None:
    participation = started(participation)
    assignments_draw(participation=participation, count=10)
    assert Trial.objects.filter(assigned=1).count() == 10
    assert participation_exclude(participation, "pressed one key all the time", None)
    assert not Trial.objects.filter(assigned=1).exists()
    assert not Assignment.objects.filter(state="live").exists()
    assert not participation_exclude(participation, "again")
    assert participation.excluded_because == "pressed one key all the time"


def test_a_late_answer_of_someone_left_out_takes_no_place(
    annotator_client: Client, participation: Participation
) -> None:
    participation = started(participation)
    [late] = assignments_draw(participation=participation, count=1)
    # Ended before, so that what is still on its way is taken.
    Participation.objects.update(state="completed")
    participation_exclude(fresh(participation), "a reason")
    answer(annotator_client, late.token)
    assert set(Trial.objects.values_list("assigned", flat=True)) == {0}


def test_whoever_completed_stays_so_when_left_out(participation: Participation) -> None:
    participation = started(participation)
    Participation.objects.update(state="completed", completion_code="CODE")
    participation_exclude(participation, "told us so")
    assert (participation.state, participation.completion_code, participation.is_excluded) == (
        "completed",
        "CODE",
        True,
    )


def test_a_readmission_takes_the_places_again_and_goes_on(
    annotator_client: Client, participation: Participation
) -> None:
    participation = started(participation)
    assignments_draw(participation=participation, count=3)
    first = Assignment.objects.order_by("position")[0]
    answered = {"state": "answered", "revision": 1, "answered_at": timezone.now()}
    Assignment.objects.filter(pk=first.pk).update(**answered)
    participation_exclude(participation, "a mistake")
    assert participation_readmit(participation)
    assert (participation.state, participation.is_excluded, participation.excluded_because) == ("active", False, "")
    assert list(Trial.objects.filter(assigned__gt=0)) == [first.trial]
    answer_all(annotator_client)
    assert set(Trial.objects.values_list("assigned", flat=True)) == {1}
    assert Assignment.objects.filter(is_counted=True).count() == 12


def test_a_rule_does_not_exclude_a_second_time_after_a_readmission(participation: Participation) -> None:
    participation = with_catches(participation)
    for position in range(3):
        put(participation, position, kind="catch", given="right")
    quality_review(participation)
    participation_readmit(participation)
    quality_review(participation, at_end=True)
    assert participation.state == "active"
    assert list(QualityFinding.objects.values_list("action", flat=True)) == ["flag"]


def test_whoever_had_answered_everything_is_completed_by_a_readmission(
    annotator_client: Client, participation: Participation
) -> None:
    participation = started(participation, {**FAST, "action": "exclude"}, recruitment={"code": {"completed": "DONE"}})
    step(annotator_client)
    answer_all(annotator_client)
    step(annotator_client)
    participation = fresh(participation)
    assert participation_readmit(participation)
    assert (participation.state, participation.completion_code) == ("completed", "DONE")
    assert set(Trial.objects.values_list("assigned", flat=True)) == {1}


def test_nobody_is_readmitted_who_was_not_left_out_or_has_withdrawn(participation: Participation) -> None:
    participation = started(participation)
    assert not participation_readmit(participation)
    Participation.objects.update(state="withdrawn", is_excluded=True)
    assert not participation_readmit(participation)


def test_a_review_takes_few_queries(
    participation: Participation, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    participation = started(
        participation, FAST, {"rule": "longest_run", "limit": 3}, {"rule": "focus_lost", "limit": 2}
    )
    for position in range(12):
        put(participation, position, rt_ms=2000.0, given=("left", "right")[position % 2])
    # The answers, and whether each of the three rules had a finding.
    with django_assert_max_num_queries(4):
        quality_review(participation)
