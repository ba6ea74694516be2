"""The places of trials: who holds one, and when it goes back to the pool. And practice trials, which hold none.

`Trial.assigned` counts the assignments that are counted and live or answered. Whatever changes it for more than one's
own answer locks the study first, then the participation, then assignments, then trials.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from studies.draws.numbers import drawn_number
from studies.draws.sides import practice_sides
from studies.models import Assignment, Participation, Study, Trial
from studies.selectors_protocol import known_trials
from studies.services.finishing import participation_lock

Kind, State = Assignment.Kind, Assignment.State


class OverfullTrialError(RuntimeError):
    """A trial would have got more annotators than the study wants; nothing was written."""


def lifetime_end(now: datetime) -> datetime:
    """Return when an assignment that is given out now goes back to the pool."""
    return now + timedelta(hours=settings.ASSIGNMENT_LIFETIME_HOURS)


def places_take(study: Study, trials: Iterable[int]) -> None:
    """Take a place of each of the trials; raises OverfullTrialError if one has none left. The study is locked."""
    pks = set(trials)
    room = Trial.objects.filter(pk__in=pks, assigned__lt=study.annotators_per_trial)
    if room.update(assigned=F("assigned") + 1) != len(pks):
        raise OverfullTrialError(f"{study.slug}: a trial was filled during the draw; try again")


def trials_free(trials: Iterable[int]) -> None:
    """Give back one place of a trial for each time that it is named."""
    by_number: dict[int, list[int]] = defaultdict(list)
    for trial, number in Counter(trials).items():
        by_number[number].append(trial)
    for number, freed in by_number.items():
        Trial.objects.filter(pk__in=freed).update(assigned=F("assigned") - number)


def expired_release(study: Study, now: datetime) -> None:
    """Put assignments that outlived their time back into the pool. The study is locked."""
    expired = list(
        Assignment.objects.select_for_update(no_key=True)
        .filter(participation__study=study, state=State.LIVE, expires_at__lte=now)
        .exclude(kind=Kind.PRACTICE)
        .values_list("pk", "trial_id", "is_counted")
    )
    Assignment.objects.filter(pk__in=[pk for pk, _, _ in expired]).update(state=State.RELEASED)
    trials_free(trial for _, trial, is_counted in expired if is_counted)


@transaction.atomic
def places_return(participation: Participation) -> int:
    """Give an annotator's places back to the pool, also those of answered trials. Returns how many there were.

    Nothing of theirs is counted any more, and what they have not answered is released.
    """
    locked = participation_lock(participation)
    mine = Assignment.objects.filter(participation=locked)
    counted = mine.filter(is_counted=True)
    held = list(counted.exclude(state=State.RELEASED).values_list("trial_id", flat=True))
    counted.update(is_counted=False)
    mine.filter(state=State.LIVE).update(state=State.RELEASED)
    trials_free(held)
    return len(held)


@transaction.atomic
def live_release(participation: Participation) -> None:
    """Give back what is unanswered of someone whose trials are over. An answer on its way takes its place again."""
    locked = participation_lock(participation)
    live = Assignment.objects.filter(participation=locked, state=State.LIVE)
    held = list(live.filter(is_counted=True).values_list("trial_id", flat=True))
    live.update(state=State.RELEASED)
    trials_free(held)


def place_settle(assignment: Assignment, *, is_timeout: bool) -> None:
    """Let an answer take or keep its place, or give it back where it came too late. `assignment` is not saved here."""
    is_held = assignment.is_counted and assignment.state != State.RELEASED
    if is_timeout:
        assignment.is_counted = False
    is_wanted = assignment.is_counted
    if is_held != is_wanted:
        Trial.objects.filter(pk=assignment.trial_id).update(assigned=F("assigned") + (1 if is_wanted else -1))


@transaction.atomic
def practice_draw(participation: Participation, number: int) -> list[Assignment]:
    """Return the assignments of a practice round (from 1), in order, with trial and pair; made now if there are none.

    Every round has the same trials, those of the protocol, in an order and on sides of its own that follow from the
    study's seed and the annotator's code.
    """
    locked = participation_lock(participation)
    practice = Assignment.objects.filter(participation=locked, kind=Kind.PRACTICE)
    of_round = practice.filter(round=number).select_related("trial__pair").order_by("position")
    made = list(of_round)
    # The request may have been on its way while the annotator withdrew.
    if made or locked.state != Participation.State.ACTIVE:
        return made
    # Those of the annotator's own version, which a later one may have retired.
    trials = [] if locked.protocol is None else list(known_trials(locked.protocol, Trial.Kind.PRACTICE))
    now = timezone.now()
    parts = (locked.study.seed, locked.code, "practice", number)
    trials.sort(key=lambda trial: drawn_number(*parts, trial.key))
    sides = practice_sides([(trial.key, trial.expected) for trial in trials], *parts)
    Assignment.objects.bulk_create(
        Assignment(
            participation=locked,
            trial=trial,
            kind=Kind.PRACTICE,
            round=number,
            is_counted=False,
            position=position,
            side=side,
            issued_at=now,
            expires_at=lifetime_end(now),
        )
        for position, (trial, side) in enumerate(zip(trials, sides, strict=True), start=1)
    )
    return list(of_round.all())
