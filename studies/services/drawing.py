"""Drawing assignments: who is given which trial, in which order, and on which side."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import blake2b

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F
from django.utils import timezone

from studies.models import Assignment, Condition, Participation, Study, Trial
from studies.selectors import live_assignments

# Trials are drawn this many at a time, so that most calls only read.
BATCH = 10


class OverfullTrialError(RuntimeError):
    """A trial would have got more annotators than the study wants; nothing was written."""


def drawn_number(*parts: object) -> int:
    """Return a number of 64 bits that depends on the parts alone: the same on every machine and in every process."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def assignments_draw(*, participation: Participation, count: int) -> list[Assignment]:
    """Return the annotator's next open assignments (at most `count`, in order), drawing new ones as needed.

    The rules, for a study that is open (otherwise nothing is drawn, and what was given out before is returned):

    - Each trial is given to `study.annotators_per_trial` annotators, and to none of them twice.
    - An annotator gets at most `study.trials_per_annotator` trials.
    - Conditions take turns: next comes the one that this annotator has had least often. Within it, the trial with
      the fewest annotators comes first; the same image does not come twice in a row where another one is left. Ties
      are decided by the study's seed and the annotator's code.
    - The side of the finetuned map is drawn once: the one that fewer annotators of this trial have, and by the
      study's seed if both are equal.
    - Assignments of other annotators that outlived `settings.ASSIGNMENT_LIFETIME_HOURS` go back to the pool. An
      annotator who comes back gets theirs again, in the same place and on the same side, if the trial has room.
    """
    now = timezone.now()
    live = list(live_assignments(participation)[:count])
    if len(live) < count or any(assignment.expires_at <= now for assignment in live):
        with transaction.atomic():
            # One draw at a time in a study: counting and giving out cannot overlap.
            study = Study.objects.select_for_update(no_key=True).get(pk=participation.study_id)
            if study.state != Study.State.OPEN:
                return live
            _draw(study, participation, count, now)
        live = list(live_assignments(participation)[:count])
    return live


def _draw(study: Study, participation: Participation, count: int, now: datetime) -> None:
    expires_at = now + timedelta(hours=settings.ASSIGNMENT_LIFETIME_HOURS)
    mine = Assignment.objects.filter(participation=participation)
    mine.filter(state=Assignment.State.LIVE, expires_at__lte=now).update(expires_at=expires_at)
    _release_expired(study, now)
    states = list(mine.values_list("state", flat=True))
    held = len(states) - states.count(Assignment.State.RELEASED)
    if states.count(Assignment.State.LIVE) >= count:
        return
    wanted = max(BATCH, count) - states.count(Assignment.State.LIVE)
    if study.trials_per_annotator is not None:
        wanted = min(wanted, study.trials_per_annotator - held)
    given = 0
    if wanted > 0 and Assignment.State.RELEASED in states:
        given = _give_back(study, participation, wanted, expires_at)
    if wanted > given:
        given += _give_new(study, participation, wanted - given, now, expires_at)
    participation.is_exhausted = given < wanted
    participation.save(update_fields=["is_exhausted"])


def _release_expired(study: Study, now: datetime) -> None:
    """Put assignments that outlived their time back into the pool."""
    expired = (
        Assignment.objects.select_for_update(no_key=True)
        .filter(participation__study=study, state=Assignment.State.LIVE, expires_at__lte=now)
        .values_list("pk", "trial_id")
    )
    trials = dict(expired)
    Assignment.objects.filter(pk__in=trials).update(state=Assignment.State.RELEASED)
    by_number: dict[int, list[int]] = defaultdict(list)
    for trial, number in Counter(trials.values()).items():
        by_number[number].append(trial)
    for number, released in by_number.items():
        Trial.objects.filter(pk__in=released).update(assigned=F("assigned") - number)


def _give_back(study: Study, participation: Participation, wanted: int, expires_at: datetime) -> int:
    """Make the annotator's own released assignments live again, in order, where the trial still has room."""
    returned = dict(
        Assignment.objects.select_for_update(no_key=True, of=("self",))
        .filter(
            participation=participation,
            state=Assignment.State.RELEASED,
            trial__assigned__lt=study.annotators_per_trial,
        )
        .order_by("position")
        .values_list("pk", "trial_id")[:wanted]
    )
    Assignment.objects.filter(pk__in=returned).update(state=Assignment.State.LIVE, expires_at=expires_at)
    _take_places(study, returned.values())
    return len(returned)


def _take_places(study: Study, trials: Iterable[int]) -> None:
    pks = set(trials)
    room = Trial.objects.filter(pk__in=pks, assigned__lt=study.annotators_per_trial)
    if room.update(assigned=F("assigned") + 1) != len(pks):
        raise OverfullTrialError(f"{study.slug}: a trial was filled during the draw; try again")


def _give_new(study: Study, participation: Participation, wanted: int, now: datetime, expires_at: datetime) -> int:
    before = list(
        Assignment.objects.filter(participation=participation)
        .order_by("position")
        .values_list("trial_id", "trial__pair__condition_id", "trial__pair__image_id", "position")
    )
    trials = _choose(
        study,
        participation.code,
        wanted,
        had=Counter(condition for _, condition, _, _ in before),
        seen={trial for trial, _, _, _ in before},
        last_image=before[-1][2] if before else None,
    )
    sides = _sides(study, trials)
    position = before[-1][3] if before else 0
    Assignment.objects.bulk_create(
        Assignment(
            participation=participation,
            trial_id=trial,
            position=position + place,
            side=sides[trial],
            issued_at=now,
            expires_at=expires_at,
        )
        for place, trial in enumerate(trials, start=1)
    )
    _take_places(study, trials)
    return len(trials)


def _choose(
    study: Study, code: str, wanted: int, *, had: Counter[int], seen: set[int], last_image: int | None
) -> dict[int, str]:
    """Return the trials to give next, in order, as primary key -> key."""
    pool: dict[int, list[tuple[int, int, str, int]]] = defaultdict(list)
    candidates = Trial.objects.filter(study=study, assigned__lt=study.annotators_per_trial).order_by()
    for trial, key, condition, image, assigned in candidates.values_list(
        "pk", "key", "pair__condition_id", "pair__image_id", "assigned"
    ):
        if trial not in seen:
            pool[condition].append((assigned, trial, key, image))
    names = {
        condition.pk: "/".join((condition.dataset, condition.metric, condition.network, condition.attributor))
        for condition in Condition.objects.filter(pk__in=pool)
    }
    ordered: set[int] = set()
    chosen: dict[int, str] = {}
    while len(chosen) < wanted and pool:
        turns = sorted(pool, key=lambda cell: (had[cell], drawn_number(study.seed, code, names[cell], had[cell])))
        pick: tuple[int, int] | None = None
        for condition in turns:
            if condition not in ordered:
                pool[condition].sort(key=lambda row: (row[0], drawn_number(study.seed, code, row[2])))
                ordered.add(condition)
            places = (place for place, row in enumerate(pool[condition]) if row[3] != last_image)
            place = next(places, None)
            if place is not None:
                pick = (condition, place)
                break
        condition, place = pick if pick is not None else (turns[0], 0)
        _, trial, key, last_image = pool[condition].pop(place)
        if not pool[condition]:
            del pool[condition]
        chosen[trial] = key
        had[condition] += 1
    return chosen


def _sides(study: Study, trials: dict[int, str]) -> dict[int, Assignment.Side]:
    """Return the side of the finetuned map for the next annotator of each trial."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    earlier = Assignment.objects.filter(trial__in=trials).exclude(state=Assignment.State.RELEASED).order_by()
    for trial, side, number in earlier.values_list("trial_id", "side").annotate(Count("pk")):
        counts[trial][side] = number
    sides = {}
    for trial, key in trials.items():
        left, right = counts[trial][Assignment.Side.LEFT], counts[trial][Assignment.Side.RIGHT]
        goes_left = left < right if left != right else drawn_number(study.seed, key) % 2 == 0
        sides[trial] = Assignment.Side.LEFT if goes_left else Assignment.Side.RIGHT
    return sides
