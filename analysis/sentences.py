"""The findings in sentences, made from the numbers and never stronger than they are."""

from analysis.measures.estimates import Estimate
from analysis.reports import ConditionResult, Report, condition_keys
from analysis.wording import condition_labels, count, decimal, enumeration, interval, p_value, percent

SIGNIFICANCE = 0.05


def headlines(report: Report) -> list[str]:
    """A sentence per metric on what people prefer, then metric-human agreement, then reliability."""
    labels = condition_labels(condition_keys(report))
    metrics = sorted({result.facts.key.metric for result in report.conditions})
    sentences = []
    for metric in metrics:
        results = [result for result in report.conditions if result.facts.key.metric == metric]
        sentences.append(_preference(report, metric, [(labels[result.facts.key], result) for result in results]))
    sentences.append(_metric_agreement(report))
    sentences.append(_reliability(report))
    return sentences


def _people(report: Report) -> str:
    return "simulated annotators" if report.study.is_simulated else "people"


def _start(text: str) -> str:
    return text[:1].upper() + text[1:]


def _preference(report: Report, metric: str, results: list[tuple[str, ConditionResult]]) -> str:
    groups: dict[str, list[str]] = {"finetuned": [], "original": [], "unclear": [], "open": []}
    for label, result in results:
        estimate = result.cell.estimates["net_preference"]
        verdict = preference_verdict(estimate)
        groups[verdict].append(f"{label} ({_net(estimate)})" if verdict != "open" else f"{label} ({_why(estimate)})")
    clauses = []
    people = _people(report)
    if groups["finetuned"]:
        clauses.append(f"{people} prefer the finetuned maps for {enumeration(groups['finetuned'])}")
    if groups["original"]:
        who = "they" if clauses else people
        clauses.append(f"{who} prefer the original maps for {enumeration(groups['original'])}")
    if groups["unclear"]:
        clauses.append(f"there is no clear preference for {enumeration(groups['unclear'])}")
    if groups["open"]:
        clauses.append(f"the data cannot tell for {enumeration(groups['open'])}")
    return f"{metric}: {'; '.join(clauses)}."


def preference_verdict(estimate: Estimate) -> str:
    """`finetuned` or `original` where the interval lies on one side of 0, `unclear` where not, `open` without one."""
    if estimate.low is None or estimate.high is None:
        return "open"
    if estimate.low > 0:
        return "finetuned"
    return "original" if estimate.high < 0 else "unclear"


def _net(estimate: Estimate) -> str:
    return f"net preference {interval(estimate, signed=True)}"


def _why(estimate: Estimate) -> str:
    value = "" if estimate.value is None else f"net preference {decimal(estimate.value, signed=True)}, "
    return f"{value}{estimate.reason}"


def _metric_agreement(report: Report) -> str:
    estimate = report.overall.estimates["metric_auc_within"]
    if estimate.value is None or estimate.low is None or estimate.high is None or estimate.p is None:
        value = "" if estimate.value is None else f" (AUC {interval(estimate)})"
        return (
            f"Whether the metric agrees with {_people(report)} image by image cannot be told{value}: {estimate.reason}."
        )
    numbers = f"AUC {interval(estimate, null=0.5)} within conditions, permutation {p_value(estimate.p)}"
    if estimate.low > 0.5 and estimate.p < SIGNIFICANCE:
        return (
            f"Image by image the metric agrees with {_people(report)}: where it gained more, the finetuned map was "
            f"chosen more often ({numbers})."
        )
    if estimate.high < 0.5 and estimate.p < SIGNIFICANCE:
        return (
            f"Image by image the metric disagrees with {_people(report)}: where it gained more, the finetuned map was "
            f"chosen less often ({numbers})."
        )
    return (
        f"Image by image there is no clear relation between the gain on the metric and the choice of {_people(report)} "
        f"({numbers}; .5 is no relation)."
    )


def _reliability(report: Report) -> str:
    estimates = report.overall.estimates
    agreement, kappa = estimates["percent_agreement"], estimates["fleiss_kappa_within"]
    ac1, neither = estimates["gwet_ac1_within"], estimates["share_neither"]
    if agreement.value is None or neither.value is None:
        return f"Agreement between annotators cannot be told: {agreement.reason}."
    kappa_text = interval(kappa) if kappa.value is not None else f"not estimable ({kappa.reason})"
    return (
        f"Two {_annotators(report)} agree on {percent(agreement.value)} of the trials, neither being "
        f"{percent(neither.value)} of all answers; beyond chance, within conditions: AC1 {interval(ac1)}, "
        f"Fleiss' kappa {kappa_text}."
    )


def _annotators(report: Report) -> str:
    return "simulated annotators" if report.study.is_simulated else "annotators"


def summary(report: Report) -> str:
    """What the report rests on, in one sentence."""
    cell = report.overall
    return _start(
        f"{count(cell.answers, 'answer')} of {count(cell.annotators, _annotators(report)[:-1])} to "
        f"{count(cell.trials, 'trial')} on {count(cell.images, 'image')} "
        f"in {count(len(report.conditions), 'condition')}."
    )
