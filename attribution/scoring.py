"""One condition on the export split: scores and answers before and after fine-tuning."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from attribution.conditions import Condition
from attribution.evaluation import Answers, Ticker, answers, chunks, metric_scores
from attribution.map_store import Maps
from attribution.networks import Network
from attribution.progress import Progress
from attribution.run import Run
from attribution.statistics import PairedDifference, paired_difference
from attribution.trainers import Outcome, Selection


@dataclass(frozen=True)
class Scored:
    """A condition's outcome on the whole export split; arrays are in the order of the split's members.

    Scores [N] are means over the metric's draws, before and after over the same ones (see `paired_means`).
    `reliability` is how far two halves of an image's draws agree on its gain (Spearman-Brown corrected correlation over
    images); None for a metric that draws nothing. `reasons` counts why scores are undefined, before and after, draw by
    draw: an image has as many as the metric has draws. `drawable` [N] says whether both maps of the plain image are
    finite, so that pictures can be made of them.
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
    drawable: np.ndarray


@dataclass(frozen=True)
class Part:
    """Some images of the export split in one condition, in the order of its members.

    `before` and `after` are scores float64 [n, draws], NaN where undefined; `reasons` counts why, by "before" and
    "after". `finetuned` are the finetuned network's answers, `drawable` bool [n] as in `Scored`.
    """

    before: np.ndarray
    after: np.ndarray
    reasons: dict[str, Counter[str]]
    finetuned: Answers
    drawable: np.ndarray


def score_condition(run: Run, condition: Condition, outcome: Outcome, progress: Progress) -> Scored:
    """Scores both networks on the same inputs of the export split."""
    members = list(run.original(condition).splits["export"].members)
    total = work_of(condition, len(members))
    done = 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        progress(f"{condition.name}: scoring", done, total)

    digest = outcome.network.weights_digest()
    stores = (run.original_maps(condition, "export"), run.finetuned_maps(condition, outcome.network, digest))
    part = score_members(run, condition, outcome.network, stores, members, tick)
    return scored(run, condition, outcome.selection, digest, [part])


def work_of(condition: Condition, images: int) -> int:
    """How many ticks `score_members` takes for so many images."""
    return (2 * condition.metric.draws + 1) * images


def score_members(
    run: Run, condition: Condition, network: Network, stores: tuple[Maps, Maps], members: Sequence[int], tick: Ticker
) -> Part:
    """Scores and answers of some members of the export split; `stores` have the original's maps and the `network`'s.

    They are the same whichever members are asked for together, as long as these begin at a multiple of the run's batch.
    """
    original = run.original(condition)
    export = original.splits["export"]
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
            draws=condition.metric.draws,
            own=True,
            known=partial(store.known, condition.attributor_name),
            tick=tick,
            reasons=reasons[when],
        )
        for when, store in zip(reasons, stores, strict=True)
    )
    return Part(
        before=before,
        after=after,
        reasons=reasons,
        finetuned=answers(network, export, members, batch=run.config.batch, tick=tick),
        drawable=np.logical_and(
            *(_finite(store, condition.attributor_name, members, run.config.batch) for store in stores)
        ),
    )


def scored(run: Run, condition: Condition, selection: Selection, digest: str, parts: Sequence[Part]) -> Scored:
    """The whole export split of parts that follow each other; `digest` is of the finetuned network's weights."""
    original = run.original(condition)
    export = original.splits["export"]
    members = list(export.members)
    drawn_before, drawn_after = (
        np.concatenate([getattr(part, when) for part in parts]) for when in ("before", "after")
    )
    if len(drawn_before) != len(members):
        raise ValueError(f"{condition.name}: the parts have {len(drawn_before)} images, the split {len(members)}")
    before, after = paired_means(drawn_before, drawn_after)
    told = [part.finetuned for part in parts]
    finetuned = Answers(
        predictions=np.concatenate([each.predictions for each in told]),
        confidences=np.concatenate([each.confidences for each in told]),
        first=np.concatenate([each.first for each in told]),
        logits=torch.cat([each.logits for each in told]),
    )
    reasons: dict[str, Counter[str]] = {"before": Counter(), "after": Counter()}
    for part in parts:
        for when, counted in part.reasons.items():
            reasons[when].update(counted)
    predicted = original.answers.predictions[members]
    targets = export.targets[members]
    return Scored(
        condition=condition,
        selection=selection,
        before=before,
        after=after,
        finetuned=finetuned,
        difference=paired_difference(before, after, seed=run.config.seed),
        accuracy_before=float((predicted == targets).mean()),
        accuracy_after=float((finetuned.predictions == targets).mean()),
        export_agreement=float((finetuned.predictions == predicted).mean()),
        agreement_all_classes=float((finetuned.first == original.answers.first[members]).mean()),
        reliability=split_half_reliability(drawn_after - drawn_before),
        weights_digest=digest,
        reasons={when: _commonest_first(counted) for when, counted in reasons.items()},
        drawable=np.concatenate([part.drawable for part in parts]),
    )


def _commonest_first(counted: Counter[str]) -> dict[str, int]:
    return dict(sorted(counted.items(), key=lambda entry: (-entry[1], entry[0])))


def _finite(store: Maps, attributor: str, members: Sequence[int], batch: int) -> np.ndarray:
    """Whether all values of a map are finite, bool [N]."""
    parts = [np.isfinite(store.maps(attributor, chunk)).all(axis=(1, 2)) for chunk in chunks(members, batch)]
    return np.concatenate(parts)


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


def paired_means(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means [N] of scores [N, draws] before and after, over the draws in which both are defined.

    An image that is never defined after has the mean of its own draws before, and the other way round. One that is
    defined in other draws before than after has none: what is left of it cannot be compared.
    """
    both = ~(np.isnan(before) | np.isnan(after))
    common = [mean_of_draws(np.where(both, scores, np.nan)) for scores in (before, after)]
    own = [mean_of_draws(scores) for scores in (before, after)]
    one_sided = ~both.any(axis=1) & (np.isnan(own[0]) | np.isnan(own[1]))
    first, second = (np.where(one_sided, alone, paired) for alone, paired in zip(own, common, strict=True))
    return first, second


def split_half_reliability(gains: np.ndarray) -> float | None:
    """Reliability of the mean of all draws [N, draws]: the correlation r over images of the mean gains of two halves of
    the draws, lengthened to k r / (1 + (k - 1) r) (Spearman 1910, Brown 1910).

    The halves are even and odd draws, equally many; k is the number of draws divided by a half's. Of an odd number, the
    last draw is in neither half. None with fewer than two draws, three images, or no variation, and where the halves do
    not agree at all (r <= 0): then it is not defined.
    """
    half = gains.shape[1] // 2
    if half == 0:
        return None
    halves = np.stack([mean_of_draws(gains[:, 0 : 2 * half : 2]), mean_of_draws(gains[:, 1 : 2 * half : 2])])
    halves = halves[:, ~np.isnan(halves).any(axis=0)]
    if halves.shape[1] < 3 or np.ptp(halves, axis=1).min() == 0:
        return None
    correlation = float(np.corrcoef(halves)[0, 1])
    longer = gains.shape[1] / half
    return longer * correlation / (1 + (longer - 1) * correlation) if correlation > 0 else None


def _number(value: float | None) -> float | None:
    """Nine significant digits, null for what is not a number."""
    return None if value is None or math.isnan(value) else float(f"{value:.9g}")
