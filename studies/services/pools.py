"""The trials that an annotator may be given, read for a draw."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from studies.draws.choosing import Candidate, Pool
from studies.draws.numbers import drawn_ties
from studies.models import Participation, Trial
from studies.prepared import Prepared


class _Content(NamedTuple):
    """What a trial shows, by primary keys."""

    key: str
    condition: int
    image: int
    original: int


_FILLED = Prepared(
    lambda study: (
        Trial.objects.filter(study=study, kind=Trial.Kind.MAIN, is_retired=False)
        .order_by()
        .values_list("pk", "assigned")
    ),
    study=int,
)
_CONTENTS = Prepared(
    lambda study: (
        Trial.objects.filter(study=study, kind=Trial.Kind.MAIN, is_retired=False)
        .order_by()
        .values_list("pk", "key", "pair__condition_id", "pair__image_id", "pair__original_id")
    ),
    study=int,
)


# What a trial shows never changes: a bundle that is loaded again brings new trials or leaves all as it is. Only how
# many annotators each has is read with every draw; the rest is kept for as long as the study has these very trials.
@lru_cache(maxsize=16)
def _contents(study: int, bundle_digest: str, number: int, newest: int) -> Mapping[int, _Content]:
    rows = _CONTENTS.all(study=study)
    return {pk: _Content(key, condition, image, original) for pk, key, condition, image, original in rows}


def forget_contents() -> None:
    """Forget what trials show: for databases whose rows are taken back, as those of tests are."""
    _contents.cache_clear()


def pool_for(participation: Participation, given: set[int]) -> Pool:
    """Return the trials with room that are not among those `given` to this annotator before.

    For a preview every trial has room. Takes a participation with its study.
    """
    study, code = participation.study, participation.code
    filled = _FILLED.all(study=study.pk)
    contents = _contents(study.pk, study.bundle_digest, len(filled), max((pk for pk, _assigned in filled), default=0))
    open_trials: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for pk, assigned in filled:
        if (assigned < study.annotators_per_trial or participation.is_preview) and pk not in given:
            open_trials[contents[pk].condition].append((pk, assigned))

    def read(conditions: Sequence[int]) -> Iterator[Candidate]:
        for condition in conditions:
            rows = open_trials[condition]
            ties = drawn_ties((contents[pk].key for pk, _assigned in rows), study.seed, code)
            for (pk, assigned), tie in zip(rows, ties, strict=True):
                yield Candidate(assigned, tie, pk, *contents[pk])

    return Pool({condition: len(rows) for condition, rows in open_trials.items()}, read)
