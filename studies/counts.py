"""What is counted while annotators work, for the metrics of the site. Each process of the server counts for itself."""

from prometheus_client import CollectorRegistry, Counter

REGISTRY = CollectorRegistry()

TRIALS_SERVED = Counter("harmony_trials_served", "Assignments that were drawn or given out again.", registry=REGISTRY)
RESPONSES_STORED = Counter("harmony_responses_stored", "Answers that were stored.", registry=REGISTRY)
STUDY_RESPONSES_STORED = Counter(
    "harmony_study_responses_stored",
    "Answers that were stored, by study; shown while the study is open.",
    ["study"],
    registry=REGISTRY,
)


def responses_count(study: str) -> None:
    """Count an answer that was stored in the study of this slug."""
    RESPONSES_STORED.inc()
    STUDY_RESPONSES_STORED.labels(study).inc()
