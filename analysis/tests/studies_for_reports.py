"""Reports for tests: made from frames, without a database."""

from analysis.measures.judgements import ConditionKey
from analysis.measures.tests.frames import Vote, frame_of, random_frame
from analysis.reports import Report, build_report
from analysis.study_facts import ConditionFacts, StudyFacts


def facts_for(
    attributors: list[str], *, is_simulated: bool = False, annotators: int = 4, trials: int = 60
) -> StudyFacts:
    return StudyFacts(
        slug="study",
        title="A study",
        question="Which map is better?",
        is_simulated=is_simulated,
        offer_neither=True,
        annotators_per_trial=annotators,
        trials_per_annotator=None,
        trials=trials,
        seed=1,
        conditions=tuple(
            ConditionFacts(ConditionKey("shapes", "RMA", "CNN", attributor), "higher", improved=True)
            for attributor in attributors
        ),
    )


def report_of(votes: list[Vote], *, gains: dict[str, float] | None = None, is_simulated: bool = False) -> Report:
    """A report on one condition (RMA, GradCAM)."""
    facts = facts_for(["GradCAM"], is_simulated=is_simulated, trials=len({image for image, _, _ in votes}))
    return build_report(frame_of(votes, gains=gains), facts)


def random_report(*, is_simulated: bool = False, seed: int = 2) -> Report:
    """A report on three conditions with gains."""
    attributors = ["attributor0", "attributor1", "attributor2"]
    return build_report(random_frame(seed), facts_for(attributors, is_simulated=is_simulated))
