"""One condition on the export split: scores and answers before and after fine-tuning."""

import math
from collections import Counter
from dataclasses import dataclass
from functools import partial

import numpy as np

from attribution.conditions import Condition
from attribution.evaluation import Answers, answers, metric_scores
from attribution.progress import Progress
from attribution.run import Run
from attribution.statistics import PairedDifference, paired_difference
from attribution.trainers import Outcome, Selection


@dataclass(frozen=True)
class Scored:
    """A condition's outcome on the whole export split; arrays are in the order of the split's members.

    Scores [N] are means over the metric's draws. `reliability` is how far two halves of an image's draws agree on its
    gain (Spearman-Brown corrected correlation over images); None for a metric that draws nothing. `reasons` counts why
    scores are undefined, draw by draw, before and after.
    """

    condition: Condition
    selection: Selection
    before: np.ndarray
    after: np.ndarray
    finetuned: Answers
    difference: PairedDifference
    accuracy_before: float
    accuracy_after: float
    export_agreement: float
    agreement_all_classes: float
    reliability: float | None
    weights_digest: str
    reasons: dict[str, dict[str, int]]


def score_condition(run: Run, condition: Condition, outcome: Outcome, progress: Progress) -> Scored:
    """Scores both networks on the same inputs of the export split."""
    original = run.original(condition)
    export = original.splits["export"]
    members = list(export.members)
    draws = condition.metric.draws
    total = (2 * draws + 1) * len(members)
    done = 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        progress(f"{condition.name}: scoring", done, total)

    digest = outcome.network.weights_digest()
    reasons: dict[str, Counter[str]] = {"before": Counter(), "after": Counter()}
    before, after = (
        metric_scores(
            store.maker,
            original.network,
            condition.attributor,
            condition.metric,
            export,
            members,
            seed=run.config.seed,
            batch=run.config.batch,
            draws=draws,
            own=True,
            known=partial(store.known, condition.attributor_name),
            tick=tick,
            reasons=reasons[when],
        )
        for when, store in (
            ("before", run.original_maps(condition, "export")),
            ("after", run.finetuned_maps(condition, outcome.network, digest)),
        )
    )
    finetuned = answers(outcome.network, export, members, batch=run.config.batch, tick=tick)
    predicted = original.answers.predictions[members]
    targets = export.targets[members]
    return Scored(
        condition=condition,
        selection=outcome.selection,
        before=mean_of_draws(before),
        after=mean_of_draws(after),
        finetuned=finetuned,
        difference=paired_difference(mean_of_draws(before), mean_of_draws(after), seed=run.config.seed),
        accuracy_before=float((predicted == targets).mean()),
        accuracy_after=float((finetuned.predictions == targets).mean()),
        export_agreement=float((finetuned.predictions == predicted).mean()),
        agreement_all_classes=float((finetuned.first == original.answers.first[members]).mean()),
        reliability=split_half_reliability(after - before),
        weights_digest=digest,
        reasons={when: dict(counted.most_common()) for when, counted in reasons.items()},
    )


def summary(run: Run, scored: Scored) -> dict[str, object]:
    """The condition's entry in the manifest; null where a number is undefined."""
    difference, selection = scored.difference, scored.selection
    return {
        "dataset": run.config.dataset.name,
        "metric": scored.condition.metric_name,
        "network": scored.condition.network_name,
        "attributor": scored.condition.attributor_name,
        "direction": scored.condition.metric.direction,
        "trainer": scored.condition.trainer.name,
        "control": scored.condition.trainer.control,
        "improved": selection.improved,
        "confirmed": _confirmed(scored),
        "validation": {"before": _number(selection.before), "after": _number(selection.after)},
        "export": {
            "n": difference.n,
            "undefined": {
                "before": int(np.isnan(scored.before).sum()),
                "after": int(np.isnan(scored.after).sum()),
                "reasons": scored.reasons,
            },
            "draws": scored.condition.metric.draws,
            "reliability": _number(scored.reliability),
            "before": _number(difference.before),
            "after": _number(difference.after),
            "difference": _number(difference.difference),
            "ci": [_number(difference.low), _number(difference.high)],
        },
        "agreement": _number(scored.export_agreement),
        "agreement_validation": _number(selection.agreement),
        "agreement_all_classes": _number(scored.agreement_all_classes),
        "classes": len(run.original(scored.condition).network.choices()),
        "accuracy": {"before": _number(scored.accuracy_before), "after": _number(scored.accuracy_after)},
        "selected_step": selection.step,
        "weights_sha256": scored.weights_digest,
    }


def _confirmed(scored: Scored) -> bool:
    """Whether the whole interval of the export split's difference lies on the better side of zero."""
    low, high = scored.difference.low, scored.difference.high
    if low is None or high is None:
        return False
    return low > 0 if scored.condition.metric.direction == "higher" else high < 0


def mean_of_draws(scores: np.ndarray) -> np.ndarray:
    """Mean [N] over the draws [N, draws] in which a score is defined; NaN where none is."""
    counts = (~np.isnan(scores)).sum(axis=1)
    sums = np.nansum(scores, axis=1)
    means: np.ndarray = np.divide(sums, counts, out=np.full(len(scores), np.nan), where=counts > 0)
    return means


def split_half_reliability(gains: np.ndarray) -> float | None:
    """Spearman-Brown corrected correlation over images between the mean gains of even and odd draws [N, draws].

    None with fewer than two draws, three images, or no variation: then it is not defined.
    """
    if gains.shape[1] < 2:
        return None
    halves = np.stack([mean_of_draws(gains[:, 0::2]), mean_of_draws(gains[:, 1::2])])
    halves = halves[:, ~np.isnan(halves).any(axis=0)]
    if halves.shape[1] < 3 or np.ptp(halves, axis=1).min() == 0:
        return None
    correlation = float(np.corrcoef(halves)[0, 1])
    return 2 * correlation / (1 + correlation) if correlation > -1 else None


def _number(value: float | None) -> float | None:
    """Nine significant digits, null for what is not a number."""
    return None if value is None or math.isnan(value) else float(f"{value:.9g}")
