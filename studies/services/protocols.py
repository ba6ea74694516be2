"""Setting a study's protocol: a new version, checked against the study, with its catch and practice trials."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from studies.models import Assignment, PageRecord, Participation, Protocol, Study, User
from studies.protocol.columns import study_columns
from studies.protocol.faults import Fault, ProtocolError
from studies.protocol.plugins import known_plugins
from studies.protocol.reading import read_protocol
from studies.protocol.spec import Plugin, ProtocolSpec
from studies.recruiting.completion import check_completion
from studies.selectors_protocol import current_protocol, has_data
from studies.services.audit import audit_write
from studies.services.known_trials import PlannedTrial, decoys_mend, known_trials_plan, known_trials_write

LONGEST_REASON = Protocol._meta.get_field("reason").max_length or 0


def protocol_set(*, study: Study, text: str, name: str, actor: User | None = None, reason: str = "") -> Protocol:
    """Make a TOML text the study's protocol; returns its version. The current protocol again changes nothing;
    decoys that the storage has lost are put there again.

    It holds for participations that have not started and for those to come; others go on under theirs. `name` stands
    for the text in errors. Once there are data a `reason` is needed, and trials cannot want fewer annotators. Raises
    ProtocolError with everything that is wrong; then nothing is written but decoys in the storage.
    """
    spec = read_protocol(text, name)
    current = current_protocol(study)
    if current is not None and current.document == spec.as_document():
        decoys_mend(study, spec)
        return current
    # Before the study is locked, as decoys take time. What has changed meanwhile is asked for again.
    planned, faults = known_trials_plan(study, spec)
    faults += _plugin_faults(spec)
    faults += check_completion(spec)
    faults += _change_faults(study, spec, reason)
    if faults:
        raise ProtocolError(name, faults)
    with transaction.atomic():
        locked = Study.objects.select_for_update(no_key=True).get(pk=study.pk)
        latest = current_protocol(locked)
        faults = _change_faults(locked, spec, reason)
        if latest != current or locked.bundle_digest != study.bundle_digest:
            faults.append(Fault((), f"the study {study.slug} was changed at the same time", "try again"))
        if faults:
            raise ProtocolError(name, faults)
        if latest is None:
            latest = _keep_plain(locked)
        protocol = Protocol.objects.create(
            study=locked,
            version=1 if latest is None else latest.version + 1,
            document=spec.as_document(),
            source=text,
            reason=reason,
            created_by=actor,
        )
        _put_in_force(protocol, spec, planned)
        pinned = _unstarted(locked).update(protocol=protocol)
        detail = {"version": protocol.version, "name": name, "reason": reason, "participations": pinned}
        audit_write(study=locked, actor=actor, action="protocol_set", detail=detail)
    study.refresh_from_db(fields=list(study_columns(spec)))
    return protocol


def protocol_renew(protocol: Protocol) -> None:
    """Write the trials and columns of the study's current protocol again, after its bundle was replaced.

    Raises ProtocolError if the protocol does not fit the study any more. Call it in the transaction that did it.
    """
    planned, faults = known_trials_plan(protocol.study, protocol.spec)
    if faults:
        raise ProtocolError(f"protocol {protocol.version} of {protocol.study.slug}", faults)
    _put_in_force(protocol, protocol.spec, planned)


def _keep_plain(study: Study) -> Protocol | None:
    """Make a version of how a study with data was run so far, for those who have started. None: there are no data."""
    if not has_data(study):
        return None
    plain = Protocol.objects.create(
        study=study,
        version=1,
        document=study.plain_spec.as_document(),
        reason="How the study was run before it had a protocol.",
    )
    unstarted = _unstarted(study).values("pk")
    Participation.objects.filter(study=study, protocol=None).exclude(pk__in=unstarted).update(protocol=plain)
    return plain


def _put_in_force(protocol: Protocol, spec: ProtocolSpec, planned: Sequence[PlannedTrial]) -> None:
    known_trials_write(protocol, planned)
    columns = study_columns(spec)
    for column, value in columns.items():
        setattr(protocol.study, column, value)
    protocol.study.save(update_fields=list(columns))


def _unstarted(study: Study) -> QuerySet[Participation]:
    pages = PageRecord.objects.filter(participation=OuterRef("pk"))
    answers = Assignment.objects.filter(participation=OuterRef("pk"), revision__gte=1)
    return Participation.objects.filter(
        ~Exists(pages), ~Exists(answers), study=study, state=Participation.State.ACTIVE, started_at=None
    )


def _plugin_faults(spec: ProtocolSpec) -> list[Fault]:
    known = known_plugins()
    return [
        Fault(
            ("pages", number, "plugin"),
            f"unknown plugin {page.plugin!r}",
            f"use one of {', '.join(known) or 'none'}, or run `npm install @jspsych/plugin-{page.plugin}`",
        )
        for number, page in enumerate(spec.pages)
        if isinstance(page, Plugin) and page.plugin not in known
    ]


def _change_faults(study: Study, spec: ProtocolSpec, reason: str) -> list[Fault]:
    faults = []
    if study.archived_at is not None:
        faults.append(Fault((), f"the study {study.slug} is archived, so it is only read", "bring it back first"))
    if study.is_imported:
        problem = f"the responses of {study.slug} were given elsewhere, so nobody takes part in it here"
        faults.append(Fault((), problem, "name a study that is run here"))
    if len(reason) > LONGEST_REASON:
        faults.append(Fault(("reason",), f"has more than {LONGEST_REASON} characters", "shorten it"))
    if not has_data(study):
        return faults
    if not reason.strip():
        problem = f"the study {study.slug} has data, so a change has to be explained"
        faults.append(Fault(("reason",), problem, "give the reason for the new version"))
    if spec.trials.annotators_per_trial < study.annotators_per_trial:
        problem = f"{spec.trials.annotators_per_trial} is below the {study.annotators_per_trial} that hold so far"
        remedy = f"keep {study.annotators_per_trial} or raise it, as trials may have as many annotators by now"
        faults.append(Fault(("trials", "annotators_per_trial"), problem, remedy))
    return faults
