"""The catch and practice trials of a protocol: which pairs they show, with which decoys."""

import difflib
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.core.files.storage import default_storage
from django.db.models import QuerySet

from studies.disk_sync import storage_sync
from studies.draws.numbers import drawn_number
from studies.draws.plan import share_of
from studies.models import Picture, Protocol, Study, Trial
from studies.protocol.decoys import TILES, decoy_png
from studies.protocol.faults import Fault, Step
from studies.protocol.spec import KnownTrial, Practice, ProtocolSpec
from studies.selectors_protocol import known_key_prefix
from studies.services.picture_storage import picture_is_whole, picture_store

Kind = Trial.Kind


@dataclass(frozen=True)
class Decoy:
    """A picture in the storage that may not be in the database yet."""

    digest: str
    width: int
    height: int


@dataclass(frozen=True)
class PlannedTrial:
    """A catch or practice trial before it is written."""

    kind: str
    pair: int
    trial_type: str
    expected: str
    feedback: str = ""
    decoy: Decoy | None = None


@dataclass(frozen=True)
class _Wanted:
    """The known trials that one place of the protocol asks for: some by name, and some to be made."""

    place: tuple[Step, ...]
    kind: Kind
    named: tuple[KnownTrial, ...]
    make: int


# Compared by identity: there are thousands, each in one list.
@dataclass(frozen=True, eq=False)
class _Main:
    """A main trial by its key, with the digests of its maps."""

    key: str
    pair: int
    trial_type: str
    condition: int
    image: int
    original: str
    finetuned: str


def known_trials_plan(study: Study, spec: ProtocolSpec) -> tuple[list[PlannedTrial], list[Fault]]:
    """Return the trials that a protocol needs, in order, and what does not fit the study. Decoys go to the storage.

    The trials follow from the study's seed and the protocol alone.
    """
    mains = {main.key: main for main in _main_trials(study)}
    wanted = list(_wanted(spec))
    faults = [fault for part in wanted for fault in _unknown_faults(part, mains)]
    faults += _shown_twice_faults(wanted)
    faults += _too_few_faults(spec, len(mains))
    planned = [
        PlannedTrial(part.kind, mains[one.trial].pair, mains[one.trial].trial_type, one.expected, one.feedback)
        for part in wanted
        for one in part.named
        if one.trial in mains
    ]
    used = {trial.pair for trial in planned}
    maker = _DecoyMaker(study, [main for main in mains.values() if main.pair not in used])
    for part in wanted:
        made = maker.make(part.kind, part.make)
        planned += made
        if len(made) < part.make:
            faults.append(_unmade_fault(part, len(made), maker.problem))
    if any(trial.decoy is not None for trial in planned):
        storage_sync()
    return planned, faults


def decoys_mend(study: Study, spec: ProtocolSpec) -> None:
    """Make the decoys of the protocol in force again where the storage has lost or damaged one."""
    trials = Trial.objects.filter(study=study, is_retired=False, decoy__isnull=False)
    if not all(picture_is_whole(digest) for digest in trials.values_list("decoy__digest", flat=True)):
        known_trials_plan(study, spec)


def known_trials_write(protocol: Protocol, planned: Sequence[PlannedTrial]) -> None:
    """Write the trials of a version and retire those of earlier ones.

    Where a version wants the same trials as the one before, those stay, so that nobody under the earlier version meets
    one a second time.
    """
    for kind in (Kind.CATCH, Kind.PRACTICE):
        wanted = [trial for trial in planned if trial.kind == kind]
        current = Trial.objects.filter(study=protocol.study, kind=kind, is_retired=False)
        if wanted != _as_planned(current):
            current.update(is_retired=True)
            _write(protocol, kind, wanted)


def _as_planned(trials: QuerySet[Trial]) -> list[PlannedTrial]:
    return [
        PlannedTrial(
            trial.kind,
            trial.pair_id,
            trial.trial_type,
            trial.expected,
            trial.feedback,
            None if trial.decoy is None else Decoy(trial.decoy.digest, trial.decoy.width, trial.decoy.height),
        )
        for trial in trials.select_related("decoy").order_by("key")
    ]


def _write(protocol: Protocol, kind: Kind, planned: Sequence[PlannedTrial]) -> None:
    decoys = {trial.decoy.digest: trial.decoy for trial in planned if trial.decoy is not None}
    Picture.objects.bulk_create(
        (Picture(digest=decoy.digest, width=decoy.width, height=decoy.height) for decoy in decoys.values()),
        ignore_conflicts=True,
    )
    pictures = Picture.objects.in_bulk(list(decoys), field_name="digest")
    Trial.objects.bulk_create(
        (
            Trial(
                study=protocol.study,
                key=f"{known_key_prefix(protocol.version, kind)}{number:04}",
                pair_id=trial.pair,
                trial_type=trial.trial_type,
                kind=kind,
                expected=trial.expected,
                feedback=trial.feedback,
                decoy=pictures[trial.decoy.digest] if trial.decoy is not None else None,
            )
            for number, trial in enumerate(planned, start=1)
        ),
        batch_size=500,
    )


def _wanted(spec: ProtocolSpec) -> Iterator[_Wanted]:
    yield _Wanted(("catch",), Kind.CATCH, spec.catch.trials, spec.catch.make)
    for number, page in enumerate(spec.pages):
        if isinstance(page, Practice):
            yield _Wanted(("pages", number), Kind.PRACTICE, page.trials, page.make)


def _main_trials(study: Study) -> list[_Main]:
    rows = Trial.objects.filter(study=study, kind=Kind.MAIN, is_retired=False).order_by("key")
    return [
        _Main(*row)
        for row in rows.values_list(
            "key",
            "pair_id",
            "trial_type",
            "pair__condition_id",
            "pair__image_id",
            "pair__original__digest",
            "pair__finetuned__digest",
        )
    ]


class _DecoyMaker:
    """Takes pairs one after another and makes trials of them whose one map is scrambled."""

    def __init__(self, study: Study, mains: Iterable[_Main]) -> None:
        self.seed = study.seed
        self.by_condition: dict[int, list[_Main]] = defaultdict(list)
        for main in sorted(mains, key=lambda main: drawn_number(study.seed, "decoy", main.key)):
            self.by_condition[main.condition].append(main)
        self.conditions: Counter[int] = Counter()
        self.images: Counter[int] = Counter()
        self.problem = ""

    def make(self, kind: str, number: int) -> list[PlannedTrial]:
        """Return as many trials as asked for, fewer if the pairs run out. Both maps are the right one equally often."""
        made: list[PlannedTrial] = []
        while len(made) < number and any(self.by_condition.values()):
            main = self._next()
            expected = ("original", "finetuned")[len(made) % 2]
            decoy = self._decoy(main.finetuned if expected == "original" else main.original, main.key)
            if decoy is not None:
                made.append(PlannedTrial(kind, main.pair, main.trial_type, expected, decoy=decoy))
        return made

    def _next(self) -> _Main:
        """Take the next pair: of the condition, and in it of the image, that was had least often."""
        condition = min((cell for cell, rows in self.by_condition.items() if rows), key=self.conditions.__getitem__)
        rows = self.by_condition[condition]
        # min takes the first of equals, so that the seed decides.
        main = min(rows, key=lambda row: self.images[row.image])
        rows.remove(main)
        self.conditions[condition] += 1
        self.images[main.image] += 1
        return main

    def _decoy(self, digest: str, key: str) -> Decoy | None:
        try:
            with default_storage.open(Picture(digest=digest).path) as file:
                decoy = decoy_png(file.read(), drawn_number(self.seed, "scrambled", key))
        except OSError as error:
            self.problem = f"the picture {digest[:12]}... cannot be read ({error})"
            return None
        if decoy is None:
            self.problem = f"a map is of one colour or smaller than {TILES} x {TILES} pixels"
            return None
        content, width, height = decoy
        made = Decoy(hashlib.sha256(content).hexdigest(), width, height)
        picture_store(digest=made.digest, open_content=lambda: io.BytesIO(content))
        return made


def _unknown_faults(part: _Wanted, mains: Mapping[str, _Main]) -> list[Fault]:
    faults = []
    for number, one in enumerate(part.named):
        if one.trial not in mains:
            close = difflib.get_close_matches(one.trial, mains, n=1) or list(mains)[:1]
            remedy = f"use the key of a main trial, e.g. {close[0]!r}" if close else "load trials first"
            faults.append(Fault((*part.place, "trials", number, "trial"), f"unknown trial {one.trial!r}", remedy))
    return faults


def _shown_twice_faults(wanted: Sequence[_Wanted]) -> list[Fault]:
    catch = {one.trial for part in wanted if part.kind == Kind.CATCH for one in part.named}
    return [
        Fault(
            (*part.place, "trials", number, "trial"),
            f"{one.trial!r} is a catch trial too, and practice tells its answer",
            "use another trial in one of the two",
        )
        for part in wanted
        if part.kind == Kind.PRACTICE
        for number, one in enumerate(part.named)
        if one.trial in catch
    ]


def _too_few_faults(spec: ProtocolSpec, mains: int) -> list[Fault]:
    """An annotator sees each catch trial once, so there have to be as many as an annotator's share asks for."""
    share = min(mains, spec.trials.per_annotator or mains)
    needed = share_of(share, spec.catch.share)
    there = spec.catch.make + len(spec.catch.trials)
    if needed <= there:
        return []
    problem = f"{spec.catch.share:g} of {share} trials are {needed} catch trials, and there are {there}"
    return [Fault(("catch", "make"), problem, f"raise it by {needed - there}, or lower catch.share")]


def _unmade_fault(part: _Wanted, made: int, problem: str) -> Fault:
    because = f" ({problem})" if problem else ""
    return Fault(
        (*part.place, "make"),
        f"only {made} of {part.make} decoys could be made from the pairs that no other known trial shows{because}",
        f"lower it to {made}, or name trials instead",
    )
