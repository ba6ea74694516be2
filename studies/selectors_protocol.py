"""Reads: the versions of a study's protocol, and the trials that each brought along."""

from django.db.models import Q, QuerySet

from studies.models import Protocol, Study, Trial
from studies.protocol.writing import write_protocol


def current_protocol(study: Study) -> Protocol | None:
    """Return the version under which new participations start; None: the study is run as its own columns say."""
    return Protocol.objects.filter(study=study).order_by("-version").first()


def protocol_text(protocol: Protocol) -> str:
    """Return the protocol as TOML: the text as it was given, or one that reads back to the same protocol."""
    return protocol.source or write_protocol(protocol.spec)


def known_trials(protocol: Protocol, kind: str) -> QuerySet[Trial]:
    """Return the catch or practice trials of this version, also of one that a later version has replaced.

    A version that wants the same trials as the one before goes on with those. Takes a query for each version that did.
    """
    trials = Trial.objects.filter(study=protocol.study_id, kind=kind).order_by("key")
    for version in range(protocol.version, 0, -1):
        made = trials.filter(key__startswith=known_key_prefix(version, kind))
        if protocol.spec.wants_known(kind) and made.exists():
            return made
    return trials.none()


def known_key_prefix(version: int, kind: str) -> str:
    """Return how the keys of the catch or practice trials that a version made begin."""
    return f"protocol-{version}-{kind}-"


def has_data(study: Study) -> bool:
    """Whether anyone but a preview has completed a page or answered a trial. One query."""
    begun = Q(pages__isnull=False) | Q(assignments__revision__gte=1)
    return study.participations.filter(begun, is_preview=False).exists()
