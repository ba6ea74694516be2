"""One condition on the export split: scores and answers before and after fine-tuning."""

import math
from dataclasses import dataclass

import numpy as np

from attribution.evaluation import Answers, answers, metric_scores
from attribution.progress import Progress
from attribution.run import Condition, Run
from attribution.statistics import PairedDifference, paired_difference
from attribution.trainers import Outcome, Selection


@dataclass(frozen=True)
class Scored:
    """A condition's outcome on the whole export split; arrays are in the order of the split's members."""

    condition: Condition
    selection: Selection
    before: np.ndarray
    after: np.ndarray
    finetuned: Answers
    difference: PairedDifference
    accuracy_before: float
    accuracy_after: float
    export_agreement: float
    weights_digest: str


def score_condition(run: Run, condition: Condition, outcome: Outcome, progress: Progress) -> Scored:
    """Scores both networks on the same inputs of the export split."""
    export = run.splits["export"]
    members = list(export.members)
    total = 3 * len(members)
    done = 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        progress(f"{condition.name}: scoring", done, total)

    before, after = (
        metric_scores(
            network,
            run.network,
            condition.attributor,
            condition.metric,
            export,
            members,
            seed=run.config.seed,
            batch=run.config.batch,
            tick=tick,
        )
        for network in (run.network, outcome.network)
    )
    finetuned = answers(outcome.network, export, members, batch=run.config.batch, tick=tick)
    original = run.original.predictions[members]
    targets = export.targets[members]
    return Scored(
        condition=condition,
        selection=outcome.selection,
        before=before,
        after=after,
        finetuned=finetuned,
        difference=paired_difference(before, after, seed=run.config.seed),
        accuracy_before=float((original == targets).mean()),
        accuracy_after=float((finetuned.predictions == targets).mean()),
        export_agreement=float((finetuned.predictions == original).mean()),
        weights_digest=outcome.network.weights_digest(),
    )


def summary(run: Run, scored: Scored) -> dict[str, object]:
    """The condition's entry in the manifest; null where a number is undefined."""
    difference, selection = scored.difference, scored.selection
    return {
        "dataset": run.config.dataset.name,
        "metric": scored.condition.metric_config.display,
        "network": run.config.network.name,
        "attributor": scored.condition.attributor_name,
        "direction": scored.condition.metric.direction,
        "improved": selection.improved,
        "validation": {"before": _number(selection.before), "after": _number(selection.after)},
        "export": {
            "n": difference.n,
            "undefined": difference.undefined,
            "before": _number(difference.before),
            "after": _number(difference.after),
            "difference": _number(difference.difference),
            "ci": [_number(difference.low), _number(difference.high)],
        },
        "agreement": _number(selection.agreement),
        "export_agreement": _number(scored.export_agreement),
        "accuracy": {"before": _number(scored.accuracy_before), "after": _number(scored.accuracy_after)},
        "selected_step": selection.step,
        "weights_sha256": scored.weights_digest,
    }


def _number(value: float | None) -> float | None:
    """Nine significant digits, null for what is not a number."""
    return None if value is None or math.isnan(value) else float(f"{value:.9g}")
