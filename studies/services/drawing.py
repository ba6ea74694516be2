"""Drawing assignments: who is given which trial, in which order, and on which side."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from studies.counts import TRIALS_SERVED
from studies.draws.course import Course, Known, Shown
from studies.draws.plan import Plan, plan_of
from studies.draws.sides import sides_of
from studies.models import Assignment, Condition, Participation, Study, Trial
from studies.prepared import Prepared
from studies.selectors import live_assignments, pool_of
from studies.services.finishing import participation_lock
from studies.services.places import OverfullTrialError, expired_release, lifetime_end, places_take
from studies.services.pools import pool_for
from studies.services.quality import quality_review

__all__ = ["OverfullTrialError", "assignments_draw"]

Kind, State = Assignment.Kind, Assignment.State

# When too few are open, this many are drawn, so that most calls only read.
BATCH = 10


@dataclass(frozen=True, slots=True)
class _Given:
    """An assignment of the annotator."""

    pk: int
    shown: Shown
    side: str
    state: str
    is_counted: bool


def assignments_draw(*, participation: Participation, count: int) -> list[Assignment]:
    """Return the annotator's next open assignments (at most `count`, in order), drawing new ones as needed.

    The rules, for a study that is open and an annotator who is active (otherwise nothing is drawn, and what was given
    out before in a study that is not open is returned):

    - Each main trial is given to `study.annotators_per_trial` annotators, and to none of them twice.
    - An annotator gets at most `per_annotator` main trials, as the protocol of the participation says.
    - Conditions take turns: next comes the one that this annotator has had least often. Or, where the protocol has
      blocks, all trials of a condition come in a row; the conditions' order is balanced over annotators. Within a
      condition, the trial with the fewest annotators comes first; the same image does not come twice in a row where
      another one is left.
    - Among conditions had equally often, and among trials with equally many annotators, one comes first whose
      original map the annotator has not seen: conditions with the same attributor share it, and it should recur as
      late as possible. Further ties are decided by the study's seed and the annotator's code.
    - Catch trials and repeats come among them as `studies.draws.plan` says. They take no places.
    - The side of the finetuned map is drawn once (`studies.draws.sides`).
    - Assignments of other annotators that outlived `settings.ASSIGNMENT_LIFETIME_HOURS` go back to the pool. An
      annotator who comes back gets theirs again, in the same place and on the same side, if the trial has room.
    - Previews draw as if every trial had room, and take no places.

    Before a draw the annotator's answers are held against the quality rules, which may end the participation.
    """
    now = timezone.now()
    live = live_assignments(participation)[:count]
    if len(live) < count or any(assignment.expires_at <= now for assignment in live):
        # Here and not with an answer to a catch trial or repeat, whose reply would take longer than others.
        quality_review(participation)
        with transaction.atomic():
            # One draw at a time in a study: counting and giving out cannot overlap.
            locked = participation_lock(participation)
            if locked.state != Participation.State.ACTIVE:
                return []
            if locked.study_state != Study.State.OPEN:
                return live
            drawn = _draw(locked, count, now)
        TRIALS_SERVED.inc(drawn)
        participation.is_exhausted = locked.is_exhausted
        live = live_assignments(participation)[:count]
    return live


def _draw(participation: Participation, count: int, now: datetime) -> int:
    """Draw until `count` are open, and return how many were given out."""
    study = participation.study
    expires_at = lifetime_end(now)
    mine = Assignment.objects.filter(participation=participation, state=State.LIVE).exclude(kind=Kind.PRACTICE)
    mine.filter(expires_at__lte=now).update(expires_at=expires_at)
    expired_release(study, now)
    before = _given(participation)
    live = sum(given.state == State.LIVE for given in before)
    if live >= count:
        return 0
    plan = plan_of(study=study, code=participation.code, spec=participation.spec, pool=pool_of(study.pk))
    held = Counter(given.shown.kind for given in _held(before))
    wanted = min(max(BATCH, count - live), plan.total_with(held) - held.total())
    returned = _give_back(participation, plan, before, wanted, expires_at)
    before = [replace(given, state=State.LIVE) if given.pk in returned else given for given in before]
    drawn = len(returned)
    if wanted > drawn:
        drawn += _give_new(participation, plan, before, wanted - drawn, now, expires_at)
    if participation.is_exhausted != (drawn < wanted):
        participation.is_exhausted = drawn < wanted
        participation.save(update_fields=["is_exhausted"])
    return drawn


def _held(before: Sequence[_Given]) -> list[_Given]:
    return [given for given in before if given.state != State.RELEASED]


_GIVEN = Prepared(
    lambda participation: (
        Assignment.objects.filter(participation=participation)
        .exclude(kind=Kind.PRACTICE)
        .order_by("position")
        .values_list(
            "pk",
            "side",
            "state",
            "is_counted",
            "kind",
            "trial_id",
            "trial__key",
            "trial__pair__condition_id",
            "trial__pair__image_id",
            "trial__pair__original_id",
            "position",
            "trial__expected",
            "repeat_of__position",
        )
    ),
    participation=int,
)


def _given(participation: Participation) -> list[_Given]:
    """Return what the annotator was given, practice aside, in order."""
    return [_Given(row[0], Shown(*row[4:]), *row[1:4]) for row in _GIVEN.all(participation=participation.pk)]


def _give_back(
    participation: Participation, plan: Plan, before: Sequence[_Given], wanted: int, expires_at: datetime
) -> set[int]:
    """Make the annotator's own released assignments live again, in order; return their primary keys.

    Main trials only where the trial still has room, catch trials only after a main trial, and repeats only of what
    the annotator still has.
    """
    released = [given for given in before if given.state == State.RELEASED]
    if not released or wanted <= 0:
        return set()
    study = participation.study
    room = {given.shown.trial for given in released}
    if not participation.is_preview:
        with_room = Trial.objects.filter(pk__in=room, assigned__lt=study.annotators_per_trial)
        room = set(with_room.values_list("pk", flat=True))
    held = Counter(given.shown.kind for given in _held(before))
    most = {Kind.MAIN: plan.mains, Kind.CATCH: len(plan.catches), Kind.REPEAT: len(plan.repeats)}
    mains = {given.shown.position for given in _held(before) if given.shown.kind == Kind.MAIN}
    returned: dict[int, Shown] = {}
    for given in released:
        shown = given.shown
        may_come = {
            Kind.MAIN: shown.trial in room,
            Kind.CATCH: bool(mains) and min(mains) < shown.position,
            Kind.REPEAT: shown.repeat_of in mains,
        }
        if len(returned) < wanted and may_come[Kind(shown.kind)] and held[shown.kind] < most[Kind(shown.kind)]:
            returned[given.pk] = shown
            held[shown.kind] += 1
            if shown.kind == Kind.MAIN:
                mains.add(shown.position)
    Assignment.objects.filter(pk__in=returned).update(state=State.LIVE, expires_at=expires_at)
    if not participation.is_preview:
        places_take(study, [shown.trial for shown in returned.values() if shown.kind == Kind.MAIN])
    return set(returned)


_CONDITIONS = Prepared(
    lambda study: (
        Condition.objects.filter(study=study).order_by().values_list("pk", "dataset", "metric", "network", "attributor")
    ),
    study=int,
)
_CATCHES = Prepared(
    lambda study: (
        Trial.objects.filter(study=study, kind=Trial.Kind.CATCH, is_retired=False)
        .order_by()
        .values_list("pk", "key", "pair__condition_id", "pair__image_id", "pair__original_id", "expected")
    ),
    study=int,
)


def _give_new(
    participation: Participation,
    plan: Plan,
    before: Sequence[_Given],
    wanted: int,
    now: datetime,
    expires_at: datetime,
) -> int:
    study, spec, is_preview = participation.study, participation.spec, participation.is_preview
    had = {given.shown.trial for given in before if given.shown.kind == Kind.CATCH}
    course = Course(
        seed=study.seed,
        code=participation.code,
        plan=plan,
        mode=spec.trials.conditions,
        distance=spec.repeats.distance,
        pool=pool_for(participation, {given.shown.trial for given in before if given.shown.kind == Kind.MAIN}),
        names={pk: "/".join(name) for pk, *name in _CONDITIONS.all(study=study.pk)},
        catches=[Known(*row) for row in _CATCHES.all(study=study.pk) if row[0] not in had] if plan.catches else [],
        shown=[given.shown for given in before],
        held=Counter(given.shown.kind for given in _held(before)),
        repeatable=_repeatable(before, is_preview=is_preview),
    )
    taken = course.take(wanted)
    sides = sides_of(
        taken,
        [(given.shown, given.side) for given in before],
        _sides_of_trials([shown.trial for shown in taken if shown.kind == Kind.MAIN]),
        seed=study.seed,
        code=participation.code,
    )
    made = {
        shown.position: Assignment(
            participation=participation,
            trial_id=shown.trial,
            kind=shown.kind,
            is_counted=shown.kind == Kind.MAIN and not is_preview,
            position=shown.position,
            side=side,
            issued_at=now,
            expires_at=expires_at,
        )
        for shown, side in zip(taken, sides, strict=True)
    }
    repeats = {shown.position: shown.repeat_of for shown in taken if shown.repeat_of is not None}
    Assignment.objects.bulk_create(row for position, row in made.items() if position not in repeats)
    at_position = {given.shown.position: given.pk for given in before}
    at_position.update((position, row.pk) for position, row in made.items())
    for position, earlier in repeats.items():
        made[position].repeat_of_id = at_position[earlier]
    # After the others, whose primary keys they need.
    Assignment.objects.bulk_create(made[position] for position in repeats)
    if not is_preview:
        places_take(study, [shown.trial for shown in taken if shown.kind == Kind.MAIN])
    return len(taken)


def _repeatable(before: Sequence[_Given], *, is_preview: bool) -> set[int]:
    """Return the positions of main trials that may be repeated: not released, not answered too late, not repeated."""
    repeated = {given.shown.repeat_of for given in before}
    return {
        given.shown.position
        for given in _held(before)
        if given.shown.kind == Kind.MAIN
        and given.shown.position not in repeated
        and (given.is_counted or is_preview or given.state == State.LIVE)
    }


def _sides_of_trials(trials: Sequence[int]) -> dict[int, Counter[str]]:
    """Return how often the finetuned map of each trial is on which side, among what counts."""
    sides: dict[int, Counter[str]] = defaultdict(Counter)
    earlier = Assignment.objects.filter(trial__in=trials, is_counted=True).exclude(state=State.RELEASED).order_by()
    for trial, side, number in earlier.values_list("trial_id", "side").annotate(Count("pk")):
        sides[trial][side] = number
    return sides
