"""The findings in sentences, made from the numbers and never stronger than they are."""

from analysis.measures.estimates import Estimate
from analysis.reports import ConditionResult, MetricResult, Report, condition_keys
from analysis.wording import NOT_ESTIMABLE, condition_labels, count, decimal, enumeration, interval, p_value, percent

SIGNIFICANCE = 0.05
MOST_CONDITIONS_NAMED = 4


def headlines(report: Report) -> list[str]:
    """Per metric a sentence on what people prefer and one on its agreement with them; then one on reliability."""
    labels = condition_labels(condition_keys(report))
    sentences = []
    for metric in (result.metric for result in report.metrics):
        results = [result for result in report.conditions if result.facts.key.metric == metric]
        sentences.append(_preference(report, metric, [(labels[result.facts.key], result) for result in results]))
    sentences.extend(_metric_agreement(report, result) for result in report.metrics)
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


def _metric_agreement(report: Report, result: MetricResult) -> str:
    """What the metric's own conditions say together; each by itself where they contradict each other."""
    people = _people(report)
    estimate = result.cell.estimates["metric_auc_within"]
    verdict = agreement_verdict(estimate)
    if verdict == "open":
        value = "" if estimate.value is None else f" (AUC {interval(estimate, null=0.5)})"
        reason = result.cell.why_no_gain or estimate.reason or "no permutation p"
        return (
            f"{result.metric}: whether the metric agrees with {people} image by image cannot be told{value}: {reason}."
        )
    numbers = _agreement_numbers(report, result, estimate)
    by_verdict = _conditions_by_verdict(report, result.metric)
    if by_verdict["agrees"] and by_verdict["disagrees"]:
        return (
            f"{result.metric}: image by image the metric agrees with {people} for {enumeration(by_verdict['agrees'])} "
            f"and disagrees with them for {enumeration(by_verdict['disagrees'])}; all its conditions together hide "
            f"that ({numbers})."
        )
    if verdict == "unclear":
        return (
            f"{result.metric}: image by image there is no clear relation between the gain on the metric and the choice "
            f"of {people} ({numbers}; .5 is no relation)."
        )
    often = "more" if verdict == "agrees" else "less"
    return (
        f"{result.metric}: image by image the metric {verdict} with {people}: where it gained more, the finetuned map "
        f"was chosen {often} often ({numbers})."
    )


def _agreement_numbers(report: Report, result: MetricResult, estimate: Estimate) -> str:
    """AUC, interval and p; with the values of the single conditions where they are few."""
    within = " within conditions" if result.conditions > 1 else ""
    numbers = f"{_auc(estimate)}{within}" + ("" if estimate.p is None else f", permutation {p_value(estimate.p)}")
    if not 1 < result.conditions <= MOST_CONDITIONS_NAMED:
        return numbers
    labels = condition_labels(condition_keys(report))
    single = []
    for condition in report.conditions:
        if condition.facts.key.metric == result.metric:
            value = condition.cell.estimates["metric_auc"].value
            single.append(f"{labels[condition.facts.key]} {NOT_ESTIMABLE if value is None else decimal(value)}")
    return f"{numbers}; {', '.join(single)}"


def agreement_verdict(estimate: Estimate) -> str:
    """What an AUC says about the metric and the choices.

    `agrees` or `disagrees` where interval and permutation test both exclude .5, `unclear` where not, `open` where one
    of them is missing.
    """
    if estimate.low is None or estimate.high is None or estimate.p is None:
        return "open"
    if estimate.p < SIGNIFICANCE and estimate.low > 0.5:
        return "agrees"
    return "disagrees" if estimate.p < SIGNIFICANCE and estimate.high < 0.5 else "unclear"


def _conditions_by_verdict(report: Report, metric: str) -> dict[str, list[str]]:
    labels = condition_labels(condition_keys(report))
    found: dict[str, list[str]] = {"agrees": [], "disagrees": [], "unclear": [], "open": []}
    for result in report.conditions:
        if result.facts.key.metric == metric:
            estimate = result.cell.estimates["metric_auc"]
            found[agreement_verdict(estimate)].append(f"{labels[result.facts.key]} ({_auc(estimate)})")
    return found


def _auc(estimate: Estimate) -> str:
    return f"AUC {interval(estimate, null=0.5)}"


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
