"""The judgement frame as compact arrays, on which every measure works."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CONDITION_COLUMNS = ("dataset", "metric", "network", "attributor")
COLUMNS = (
    "study",
    *CONDITION_COLUMNS,
    "trial",
    "image",
    "annotator",
    "choice",
    "answer",
    "side",
    "rt_ms",
    "confidence",
    "score_original",
    "score_finetuned",
    "direction",
    "is_repeat",
    "is_catch",
)
CHOICES = ("original", "neither", "finetuned")
"""In their order: original < neither < finetuned."""
CHOICE_VALUES = {"original": -1, "neither": 0, "finetuned": 1}
DIRECTION_SIGNS = {"higher": 1.0, "lower": -1.0}
DIFFERENT_METRICS = "different metrics"
"""The reason why gains are not put together over metrics: their scales differ, and so may their agreement."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class FrameError(ValueError):
    """The rows are not a judgement frame that can be analysed; the message says which column, and what to do."""


@dataclass(frozen=True, order=True, slots=True)
class ConditionKey:
    """One cell of a study."""

    dataset: str
    metric: str
    network: str
    attributor: str


@dataclass(frozen=True, slots=True, eq=False)
class Judgements:
    """N answers as arrays of length N; all codes run from 0 without gaps.

    `choice` is +1 (finetuned), 0 (neither) or -1 (original). `gain` is (score_finetuned - score_original) x direction:
    positive where the metric says that the finetuned map is better, NaN where a score is missing. `side` is where the
    finetuned map was: +1 (left), -1 (right) or 0 (not known). `options` is
    the number of answers that were offered: 3, or 2 where neither was not.
    """

    choice: Ints
    annotator: Ints
    image: Ints
    trial: Ints
    condition: Ints
    gain: Floats
    side: Ints
    conditions: tuple[ConditionKey, ...]
    annotators: tuple[str, ...]
    options: int = field(default=3)

    @property
    def n(self) -> int:
        """The number of answers."""
        return int(self.choice.size)

    @property
    def mixes_metrics(self) -> bool:
        """Whether the conditions are of more than one metric, so that the gains have no common scale."""
        return len({key.metric for key in self.conditions}) > 1

    def where(self, mask: NDArray[np.bool_]) -> "Judgements":
        """The answers where `mask` holds, with codes made gapless again."""
        condition, kept_conditions = _gapless(self.condition[mask])
        annotator, kept_annotators = _gapless(self.annotator[mask])
        return Judgements(
            choice=self.choice[mask],
            annotator=annotator,
            image=_gapless(self.image[mask])[0],
            trial=_gapless(self.trial[mask])[0],
            condition=condition,
            gain=self.gain[mask],
            side=self.side[mask],
            conditions=tuple(self.conditions[code] for code in kept_conditions),
            annotators=tuple(self.annotators[code] for code in kept_annotators),
            options=self.options,
        )

    def of_condition(self, code: int) -> "Judgements":
        """The answers of one condition."""
        return self.where(self.condition == code)

    def of_metric(self, metric: str) -> "Judgements":
        """The answers of all conditions of one metric."""
        codes = [code for code, key in enumerate(self.conditions) if key.metric == metric]
        return self.where(np.isin(self.condition, codes))


def judgements_from_frame(frame: pd.DataFrame, *, options: int = 3) -> Judgements:
    """The main trials of a judgement frame; hidden repeats and catch trials are left out.

    The codes follow the sorted names, so the order of the rows changes nothing. Raises FrameError where a column is
    missing, a choice or direction is unknown, neither was chosen though it was not offered, or an annotator
    answered one trial twice.
    """
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        raise FrameError(f"judgement frame: missing column {missing[0]!r} (columns: {', '.join(COLUMNS)})")
    if options not in (2, 3):
        raise ValueError(f"judgement frame: {options} options; a forced choice offers 2, or 3 with neither")
    repeat = frame["is_repeat"].to_numpy(dtype=bool)
    catch = frame["is_catch"].to_numpy(dtype=bool)
    main = frame.loc[~(repeat | catch)]
    choice = _translated(main["choice"], CHOICE_VALUES, "choice").astype(np.int64)
    if options == 2 and np.any(choice == 0):
        raise FrameError(
            f"judgement frame: choice: {np.count_nonzero(choice == 0):,} of {choice.size:,} answers are neither, which "
            "is not offered; let the study offer neither (offer_neither, options=3), as it did for these answers"
        )
    sign = _translated(main["direction"], DIRECTION_SIGNS, "direction")
    annotator, annotators = pd.factorize(main["annotator"].astype(str), sort=True)
    trial, trials = pd.factorize(main["trial"].astype(str), sort=True)
    _refuse_second_answers(trial.astype(np.int64), annotator.astype(np.int64), list(trials), list(annotators))
    condition, conditions = _condition_codes(main)
    side = main["side"].astype(str).to_numpy(dtype=object)
    original = main["score_original"].to_numpy(dtype=np.float64, na_value=np.nan)
    finetuned = main["score_finetuned"].to_numpy(dtype=np.float64, na_value=np.nan)
    return Judgements(
        choice=choice,
        annotator=annotator.astype(np.int64),
        image=pd.factorize(main["image"].astype(str), sort=True)[0].astype(np.int64),
        trial=trial.astype(np.int64),
        condition=condition,
        gain=(finetuned - original) * sign,
        side=np.where(side == "left", 1, np.where(side == "right", -1, 0)).astype(np.int64),
        conditions=conditions,
        annotators=tuple(str(name) for name in annotators),
        options=options,
    )


def _gapless(codes: Ints) -> tuple[Ints, Ints]:
    kept, renumbered = np.unique(codes, return_inverse=True)
    return renumbered.astype(np.int64).reshape(-1), kept


def _translated(column: "pd.Series[Any]", values: dict[str, Any], name: str) -> Floats:
    codes, names = pd.factorize(column.astype(str))
    for unknown in names:
        if unknown not in values:
            raise FrameError(f"judgement frame: {name}: unknown value {unknown!r} (known: {', '.join(values)})")
    table = np.array([values[str(known)] for known in names], dtype=np.float64)
    return table[codes] if codes.size else np.empty(0)


def _condition_codes(frame: pd.DataFrame) -> tuple[Ints, tuple[ConditionKey, ...]]:
    combined = np.zeros(len(frame), dtype=np.int64)
    levels: list[list[str]] = []
    for column in CONDITION_COLUMNS:
        codes, names = pd.factorize(frame[column].astype(str), sort=True)
        combined = combined * max(len(names), 1) + codes.astype(np.int64)
        levels.append([str(name) for name in names])
    renumbered, kept = _gapless(combined)
    keys: list[ConditionKey] = []
    for code in kept.tolist():
        names_of_key: list[str] = []
        for names_of_level in reversed(levels):
            code, place = divmod(code, len(names_of_level))
            names_of_key.append(names_of_level[place])
        keys.append(ConditionKey(*reversed(names_of_key)))
    return renumbered, tuple(keys)


def _refuse_second_answers(trial: Ints, annotator: Ints, trials: list[Any], annotators: list[Any]) -> None:
    if trial.size == 0:
        return
    cells, counts = np.unique(trial * len(annotators) + annotator, return_counts=True)
    if np.any(counts > 1):
        trial_code, annotator_code = divmod(int(cells[counts > 1][0]), len(annotators))
        raise FrameError(
            f"judgement frame: annotator {annotators[annotator_code]} answered trial {trials[trial_code]} more than "
            f"once ({int((counts > 1).sum())} such cells); keep one answer of each, for example the last"
        )
