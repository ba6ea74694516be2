"""Drawing assignments: who is given which trial, in which order, and on which side."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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


# Compared by identity: there is one for each trial, and thousands are looked through.
@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """A trial by its primary key, with the primary keys of what it shows."""

    trial: int
    key: str
    condition: int
    image: int
    original: int
    assigned: int


@dataclass(frozen=True, slots=True)
class _Given:
    """What an annotator was given before, in order."""

    trial: int
    condition: int
    image: int
    original: int
    side: str
    position: int


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
      the fewest annotators comes first; the same image does not come twice in a row where another one is left.
    - Among conditions had equally often, and among trials with equally many annotators, one comes first whose
      original map the annotator has not seen: conditions with the same attributor share it, and it should recur as
      late as possible. Further ties are decided by the study's seed and the annotator's code.
    - The side of the finetuned map is drawn once: the one that fewer annotators of this trial have; if both are
      equal, the one that this annotator has had less often in the condition; and then by the study's seed.
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
    before = [
        _Given(*row)
        for row in Assignment.objects.filter(participation=participation)
        .order_by("position")
        .values_list(
            "trial_id",
            "trial__pair__condition_id",
            "trial__pair__image_id",
            "trial__pair__original_id",
            "side",
            "position",
        )
    ]
    chosen = _choose(study, participation.code, wanted, before)
    sides = _sides(study, chosen, before)
    position = before[-1].position if before else 0
    Assignment.objects.bulk_create(
        Assignment(
            participation=participation,
            trial_id=candidate.trial,
            position=position + place,
            side=side,
            issued_at=now,
            expires_at=expires_at,
        )
        for place, (candidate, side) in enumerate(zip(chosen, sides, strict=True), start=1)
    )
    _take_places(study, [candidate.trial for candidate in chosen])
    return len(chosen)


def _choose(study: Study, code: str, wanted: int, before: Sequence[_Given]) -> list[_Candidate]:
    """Return the trials to give next, in order."""
    pool = _pool(study, code, {given.trial for given in before})
    names = {
        condition.pk: "/".join((condition.dataset, condition.metric, condition.network, condition.attributor))
        for condition in Condition.objects.filter(pk__in=pool)
    }
    had = Counter(given.condition for given in before)
    seen = {given.original for given in before}
    last_image = before[-1].image if before else None
    chosen: list[_Candidate] = []
    while len(chosen) < wanted and pool:
        turns = sorted(pool, key=lambda cell: (had[cell], drawn_number(study.seed, code, names[cell], had[cell])))
        candidate = _next_candidate(pool, turns, had, seen, last_image)
        pool[candidate.condition].remove(candidate)
        if not pool[candidate.condition]:
            del pool[candidate.condition]
        chosen.append(candidate)
        had[candidate.condition] += 1
        seen.add(candidate.original)
        last_image = candidate.image
    return chosen


def _pool(study: Study, code: str, given: set[int]) -> dict[int, list[_Candidate]]:
    """Return the trials with room that were not given before, by condition, those with the fewest annotators first."""
    pool: dict[int, list[_Candidate]] = defaultdict(list)
    candidates = Trial.objects.filter(study=study, assigned__lt=study.annotators_per_trial).order_by()
    for row in candidates.values_list(
        "pk", "key", "pair__condition_id", "pair__image_id", "pair__original_id", "assigned"
    ):
        candidate = _Candidate(*row)
        if candidate.trial not in given:
            pool[candidate.condition].append(candidate)
    for rows in pool.values():
        rows.sort(key=lambda candidate: (candidate.assigned, drawn_number(study.seed, code, candidate.key)))
    return pool


def _next_candidate(
    pool: dict[int, list[_Candidate]],
    turns: Sequence[int],
    had: Counter[int],
    seen: set[int],
    last_image: int | None,
) -> _Candidate:
    """Return the first that shows another image and an unseen original, then another image, then any.

    For the sake of an unseen original, only conditions that were had equally often change places, and no trial goes
    before one with fewer annotators.
    """
    for condition in turns:
        if had[condition] > had[turns[0]]:
            break
        for candidate in pool[condition]:
            if candidate.assigned > pool[condition][0].assigned:
                break
            if candidate.image != last_image and candidate.original not in seen:
                return candidate
    for condition in turns:
        for candidate in pool[condition]:
            if candidate.image != last_image:
                return candidate
    return pool[turns[0]][0]


def _sides(study: Study, chosen: Sequence[_Candidate], before: Sequence[_Given]) -> list[Assignment.Side]:
    """Return the side of the finetuned map for each of the trials."""
    left, right = Assignment.Side.LEFT, Assignment.Side.RIGHT
    of_trial: dict[int, Counter[str]] = defaultdict(Counter)
    trials = [candidate.trial for candidate in chosen]
    earlier = Assignment.objects.filter(trial__in=trials).exclude(state=Assignment.State.RELEASED).order_by()
    for trial, side, number in earlier.values_list("trial_id", "side").annotate(Count("pk")):
        of_trial[trial][side] = number
    of_annotator: dict[int, Counter[str]] = defaultdict(Counter)
    for given in before:
        of_annotator[given.condition][given.side] += 1
    sides = []
    for candidate in chosen:
        mine = of_annotator[candidate.condition]
        side = left if drawn_number(study.seed, candidate.key) % 2 == 0 else right
        for counts in (of_trial[candidate.trial], mine):
            if counts[left] != counts[right]:
                side = left if counts[left] < counts[right] else right
                break
        mine[side] += 1
        sides.append(side)
    return sides
