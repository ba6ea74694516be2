"""Simulated annotators: a response model whose truth is known, to try a study and its report before people come.

They answer only studies that are flagged as simulated, are drawn the same assignments as people would be, and leave the
same rows behind. Nothing they say is evidence about people.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray

from studies.draws.sides import other_side
from studies.models import Assignment, Participation, Protocol, Response, Study, Trial, User
from studies.protocol.spec import OPTIONS_OF_TIES, ProtocolSpec
from studies.selectors_protocol import current_protocol
from studies.services import assignments_draw
from studies.trial_types import trial_type

Floats = NDArray[np.float64]
ROUNDS = 10
"""Annotators take turns: each answers about a tenth of its share, so that no one takes all the trials."""


class SimulationError(ValueError):
    """The study cannot be answered by simulated annotators; nothing was written."""


@dataclass(frozen=True, slots=True)
class ResponseModel:
    """How simulated annotators answer: the model of Davidson (1970) with ties.

    P(finetuned) : P(original) : P(neither) = e^l : 1 : nu e^(l/2), and

        l = condition effect + slope x standardised metric gain + image effect + annotator effect + side effect.

    The condition effect is that of the attributor plus a normal deviation of each condition. The metric gain,
    (score_finetuned - score_original) x direction, is standardised within its condition; a missing score counts as
    the mean. The side effect is +bias where the finetuned map is on the left and -bias where it is on the right, with a
    normal bias of each annotator. All effects are on the log-odds scale. `tie_weight` is nu, taken as 0 where the
    study does not offer neither.

    Reaction times are lognormal: log rt = log(median_rt_ms) + pace of the annotator + hesitation x 2 (1 - the largest
    of the three probabilities) + normal noise, in milliseconds.

    The default numbers are arbitrary. They are such that some 600 answers of a dozen annotators show clear effects, and
    different ones by attributor: finetuned GradCAM maps are preferred, the more so the more their metric gained, and
    finetuned GuidedBackprop maps are not, with less regard to the metric.
    """

    attributor_effects: Mapping[str, float] = field(default_factory=lambda: {"GradCAM": 1.2, "GuidedBackprop": -1.2})
    other_effect: float = 0.2
    condition_sd: float = 0.15
    slopes: Mapping[str, float] = field(default_factory=lambda: {"GradCAM": 1.2, "GuidedBackprop": 0.6})
    other_slope: float = 0.3
    image_sd: float = 0.4
    annotator_sd: float = 0.3
    side_bias_sd: float = 0.1
    tie_weight: float = 0.9
    median_rt_ms: float = 1900.0
    pace_sd: float = 0.25
    hesitation: float = 0.4
    rt_noise_sd: float = 0.35
    catch_accuracy: float = 0.97


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a simulation wrote; `annotators` counts those who found a trial left to answer."""

    annotators: int
    responses: int


def choice_probabilities(log_odds: Floats, tie_weight: float) -> Floats:
    """Davidson's probabilities, [n, 3] for finetuned, original, neither, from l [n] and nu >= 0."""
    weights = np.stack(
        [np.exp(log_odds / 2), np.exp(-log_odds / 2), np.full_like(log_odds, tie_weight)],
        axis=-1,
    )
    probabilities: Floats = weights / weights.sum(axis=-1, keepdims=True)
    return probabilities


@transaction.atomic
def simulate_annotators(*, study: Study, annotators: int, seed: int, model: ResponseModel | None = None) -> Simulated:
    """Enrol `annotators` simulated annotators (codes SIM01, ...) and let them answer all that the study gives them.

    The assignments come from the same service as everyone's; the answers are written in bulk under the same
    constraints. The same study, seed and number of annotators give the same answers; only tokens, UUIDs and
    times of day differ. Raises SimulationError for a study that is not flagged as simulated, has participants
    already, is not open or has no trials, and for fewer than one annotator.
    """
    if not study.is_simulated:
        raise SimulationError(
            f"study {study.slug} is not flagged as simulated; simulate into a copy: "
            f"manage.py simulate_annotators {study.slug} --copy-as {study.slug}-simulated"
        )
    if annotators < 1:
        raise SimulationError(f"{annotators} annotators are too few; ask for at least one")
    if Participation.objects.filter(study=study).exists():
        raise SimulationError(f"study {study.slug} has participants already; simulate into a fresh copy")
    if study.state != Study.State.OPEN:
        raise SimulationError(f"study {study.slug} is {study.state}; open it first")
    trials = study.trials.filter(kind=Trial.Kind.MAIN, is_retired=False).count()
    if trials == 0:
        raise SimulationError(f"study {study.slug} has no trials; load its bundle first")
    protocol = current_protocol(study)
    spec = study.plain_spec if protocol is None else protocol.spec
    crowd = _Crowd(study, spec, annotators, seed, model or ResponseModel())
    share = min(trials, spec.trials.per_annotator or trials, -(-trials * study.annotators_per_trial // annotators))
    batch = max(1, -(-share // ROUNDS))
    participations = [_join(study, protocol, number) for number in range(1, annotators + 1)]
    busy: set[int] = set()
    responses = 0
    while participations:
        still_busy = []
        for participation in participations:
            assignments = assignments_draw(participation=participation, count=batch)
            if assignments:
                crowd.answer(participation, assignments)
                busy.add(participation.pk)
                responses += len(assignments)
                still_busy.append(participation)
        participations = still_busy
    return Simulated(annotators=len(busy), responses=responses)


def _join(study: Study, protocol: Protocol | None, number: int) -> Participation:
    code = _code(number)
    username = f"{study.slug}-{code.lower()}"
    if User.objects.filter(username=username).exists():
        raise SimulationError(f"the user name {username} is taken; choose another slug for the copy")
    annotator = User(username=username, is_active=False)
    annotator.set_unusable_password()
    annotator.save()
    # Not by `enrol`, which is for people and refuses a simulated study.
    return Participation.objects.create(study=study, annotator=annotator, code=code, protocol=protocol)


def _code(number: int) -> str:
    """The code of the simulated annotator of this number, from 1: never one that a person has."""
    return f"SIM{number:02d}"


class _Crowd:
    """The drawn effects of all annotators, images and conditions of a study, and the answers that follow from them."""

    def __init__(self, study: Study, spec: ProtocolSpec, annotators: int, seed: int, model: ResponseModel) -> None:
        self.study = study
        self.settings = spec.trials
        self.model = model
        self.generator = np.random.default_rng(seed)
        normal = self.generator.normal
        self.annotator_effect = normal(0, model.annotator_sd, annotators)
        self.side_bias = normal(0, model.side_bias_sd, annotators)
        self.pace = normal(0, model.pace_sd, annotators)
        self.clock = [timezone.now() - timedelta(hours=1)] * annotators
        self.number: dict[str, int] = {_code(number + 1): number for number in range(annotators)}
        self.log_odds = self._trial_log_odds()

    def _trial_log_odds(self) -> dict[int, float]:
        """l of each trial, by primary key, without what the annotator brings."""
        model, normal = self.model, self.generator.normal
        images = self.study.images.order_by("name").values_list("pk", flat=True)
        image_effect = {image: normal(0, model.image_sd) for image in images}
        log_odds: dict[int, float] = {}
        for condition in self.study.conditions.order_by("dataset", "metric", "network", "attributor"):
            effect = model.attributor_effects.get(condition.attributor, model.other_effect)
            effect += normal(0, model.condition_sd)
            slope = model.slopes.get(condition.attributor, model.other_slope)
            sign = 1.0 if condition.direction == "higher" else -1.0
            rows = list(
                self.study.trials.filter(pair__condition=condition, kind=Trial.Kind.MAIN)
                .order_by("key")
                .values_list("pk", "pair__image_id", "pair__score_original", "pair__score_finetuned")
            )
            gains = np.array(
                [
                    np.nan if before is None or after is None else sign * (after - before)
                    for _, _, before, after in rows
                ],
                dtype=np.float64,
            )
            for (trial, image, _, _), gain in zip(rows, _standardised(gains), strict=True):
                log_odds[trial] = effect + slope * float(gain) + image_effect[image]
        return log_odds

    def answer(self, participation: Participation, assignments: list[Assignment]) -> None:
        """Write one response to each of the assignments."""
        model, number = self.model, self.number[participation.code]
        on_left = np.array([assignment.side == Assignment.Side.LEFT for assignment in assignments])
        # Catch trials are of no model: 0 stands in.
        log_odds = np.array([self.log_odds.get(assignment.trial_id, 0.0) for assignment in assignments])
        log_odds = log_odds + self.annotator_effect[number] + np.where(on_left, 1, -1) * self.side_bias[number]
        probabilities = choice_probabilities(log_odds, 0.0 if self.settings.ties == "none" else model.tie_weight)
        drawn = (self.generator.random((len(assignments), 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
        hesitation = model.hesitation * 2 * (1 - probabilities.max(axis=1))
        noise = self.generator.normal(0, model.rt_noise_sd, len(assignments))
        rt_ms = model.median_rt_ms * np.exp(self.pace[number] + hesitation + noise)
        if self.settings.most_ms is not None:
            rt_ms = np.minimum(rt_ms, self.settings.most_ms)
        responses = []
        rows = zip(assignments, drawn.tolist(), rt_ms.tolist(), probabilities.max(axis=1).tolist(), strict=True)
        for assignment, choice, milliseconds, certainty in rows:
            given = self._given(assignment, choice)
            self.clock[number] += timedelta(milliseconds=milliseconds + 400)
            responses.append(
                Response(
                    assignment=assignment,
                    revision=1,
                    uuid=uuid.uuid4(),
                    given=given,
                    choice=trial_type(assignment.trial.trial_type).translate(given, assignment.side),
                    confidence=self._confidence(certainty),
                    rt_ms=round(milliseconds, 1),
                    timing={"simulated": True},
                    created_at=self.clock[number],
                )
            )
            assignment.state = Assignment.State.ANSWERED
            assignment.revision = 1
            assignment.answered_at = self.clock[number]
        Response.objects.bulk_create(responses)
        Assignment.objects.bulk_update(assignments, ["state", "revision", "answered_at"], batch_size=100)

    def _given(self, assignment: Assignment, choice: int) -> str:
        """The slot to name for 0 (finetuned), 1 (original) or 2 (neither); of a catch trial, mostly the right one."""
        of_choice = [assignment.side, str(other_side(assignment.side))]
        ties = OPTIONS_OF_TIES[self.settings.ties]
        if assignment.kind == Assignment.Kind.CATCH:
            right = {"finetuned": of_choice[:1], "original": of_choice[1:]}.get(assignment.trial.expected, list(ties))
            wrong = [slot for slot in self.settings.options if slot not in right]
            is_right = self.generator.random() < self.model.catch_accuracy
            return str(self.generator.choice(right if right and (is_right or not wrong) else wrong))
        if choice < 2 or not ties:
            return of_choice[min(choice, 1)]
        return ties[0] if len(ties) == 1 else str(self.generator.choice(ties))

    def _confidence(self, certainty: float) -> int | None:
        """A point on the protocol's scale for the largest of three probabilities, 1/3 to 1."""
        points = self.settings.confidence
        return None if points == 0 else min(points, 1 + int(points * max(0.0, certainty - 1 / 3) * 1.5))


def _standardised(gains: Floats) -> Floats:
    """Gains with mean 0 and standard deviation 1; missing ones, and all of them if they are equal, are 0."""
    known = np.isfinite(gains)
    if not known.any():
        return np.zeros_like(gains)
    spread = float(gains[known].std())
    if spread == 0:
        return np.zeros_like(gains)
    standardised: Floats = np.where(known, (gains - gains[known].mean()) / spread, 0.0)
    return standardised
