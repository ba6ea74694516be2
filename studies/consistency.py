"""Whether what the database holds of a study fits together: what constraints cannot hold, counted again from the rows.

Each check is a function of a study that yields what is wrong, in words. The study is locked meanwhile, so that a study
can be checked while people work on it.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter

from django.db import transaction
from django.db.models import BooleanField, Count, ExpressionWrapper, F, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from studies.media import in_parallel, stored_bytes
from studies.models import (
    Assignment,
    AuditEntry,
    ExternalIdentity,
    Link,
    PageRecord,
    Participation,
    Picture,
    Response,
    Study,
    Trial,
)
from studies.protocol.markdown import text_digest
from studies.protocol.spec import Page, ProtocolSpec
from studies.trial_types import trial_type

Check = Callable[[Study], Iterator[str]]
Kind, State = Assignment.Kind, Assignment.State
WITHDRAWN = Participation.State.WITHDRAWN


@transaction.atomic
def study_is_consistent(study: Study) -> list[str]:
    """Return everything about the study's rows that does not fit together; an empty list: it is consistent."""
    # Draws, exclusions and withdrawals lock the study first: what they change is seen before or after.
    locked = Study.objects.select_for_update(no_key=True).get(pk=study.pk)
    return [fault for check in CHECKS for fault in check(locked)]


def pictures_are_whole(study: Study) -> list[str]:
    """Return which of the study's pictures are missing in the storage, or have other bytes than they should."""
    shown = (
        Q(images__study=study)
        | Q(pairs_as_original__condition__study=study)
        | Q(pairs_as_finetuned__condition__study=study)
        | Q(decoys__study=study)
    )
    pictures = list(Picture.objects.filter(shown).distinct().order_by("digest"))
    return [fault for fault in in_parallel(_picture_fault, pictures) if fault is not None]


def _picture_fault(picture: Picture) -> str | None:
    try:
        content = stored_bytes(picture.path)
    except FileNotFoundError:
        return f"{picture.path}: is missing in the storage"
    if hashlib.sha256(content).hexdigest() != picture.digest:
        return f"{picture.path}: has other bytes than its name says; load the bundle again"
    return None


def _assignments(study: Study) -> QuerySet[Assignment]:
    return Assignment.objects.filter(participation__study=study).order_by("participation__code", "round", "position")


def _named(code: str, position: int, number: int = 0) -> str:
    practice = f" of practice round {number}" if number else ""
    return f"{code}, position {position}{practice}"


def _places(study: Study) -> Iterator[str]:
    """`Trial.assigned` is the number of assignments that are counted and not released."""
    held = (
        Assignment.objects.filter(trial=OuterRef("pk"), is_counted=True)
        .exclude(state=State.RELEASED)
        .order_by()
        .values("trial")
        .annotate(number=Count("pk"))
        .values("number")
    )
    trials = Trial.objects.filter(study=study).annotate(held=Coalesce(Subquery(held), 0))
    for key, assigned, number in trials.exclude(assigned=F("held")).values_list("key", "assigned", "held"):
        yield f"trial {key}: assigned is {assigned}, but {number} assignments hold a place"


def _revisions(study: Study) -> Iterator[str]:
    """Responses are numbered from 1 without gaps, and the assignment knows the last."""
    rows = _assignments(study).annotate(
        number=Count("responses"), first=Min("responses__revision"), last=Max("responses__revision")
    )
    odd = rows.exclude(revision=0, number=0).exclude(first=1, last=F("revision"), number=F("revision"))
    for code, position, number, revision, stored in odd.values_list(
        "participation__code", "position", "round", "revision", "number"
    ):
        yield f"{_named(code, position, number)}: revision is {revision}, but {stored} responses are stored"


def _positions(study: Study) -> Iterator[str]:
    """Positions count from 1 without gaps, in the trials and in every round of the practice."""
    rows = (
        Assignment.objects.filter(participation__study=study)
        .order_by()
        .values_list("participation__code", "round")
        .annotate(number=Count("pk"), first=Min("position"), last=Max("position"))
    )
    for code, number, count, first, last in rows.exclude(first=1, last=F("number")):
        practice = f" of practice round {number}" if number else ""
        yield f"{code}: {count} positions{practice} go from {first} to {last}"


def _kinds(study: Study) -> Iterator[str]:
    """Every assignment has a trial of its own study and of its kind; a catch trial is never the first."""
    fits = Q(kind=Kind.REPEAT, trial__kind=Trial.Kind.MAIN)
    for of_trial in Trial.Kind.values:
        fits |= Q(kind=of_trial, trial__kind=of_trial)
    odd = _assignments(study).exclude(fits, trial__study=study)
    for code, position, number, kind, key in odd.values_list(
        "participation__code", "position", "round", "kind", "trial__key"
    ):
        yield f"{_named(code, position, number)}: kind is {kind}, which the trial {key} is not for"
    for (code,) in _assignments(study).filter(kind=Kind.CATCH, position=1).values_list("participation__code"):
        yield f"{_named(code, 1)}: a catch trial is the first trial"


def _repeats(study: Study) -> Iterator[str]:
    """A repeat shows an earlier main trial of the same annotator with the sides swapped, far enough back."""
    specs = _specs(study)
    is_same_trial = Q(trial=F("repeat_of__trial"), participation=F("repeat_of__participation"))
    repeats = (
        _assignments(study)
        .filter(kind=Kind.REPEAT)
        .annotate(is_same=ExpressionWrapper(is_same_trial, output_field=BooleanField()))
    )
    for pk, code, position, is_same, side, earlier_side, earlier_kind, earlier in repeats.values_list(
        "participation_id",
        "participation__code",
        "position",
        "is_same",
        "side",
        "repeat_of__side",
        "repeat_of__kind",
        "repeat_of__position",
    ):
        name = _named(code, position)
        if not is_same or earlier_kind != Kind.MAIN:
            yield f"{name}: the repeat is of another trial"
        if side == earlier_side:
            yield f"{name}: the repeat has the same side as the first time, at position {earlier}"
        if position - earlier < specs[pk].repeats.distance:
            yield f"{name}: the repeat is too close to the first time, at position {earlier}"


def _choices(study: Study) -> Iterator[str]:
    """What is stored as the choice is what was given, seen from the assignment's side; late answers hold no place."""
    rows = Response.objects.filter(assignment__participation__study=study)
    meanings = rows.order_by().values_list("given", "choice", "assignment__side", "assignment__trial__trial_type")
    for given, choice, side, kind in meanings.distinct():
        if trial_type(kind).translate(given, side) == choice:
            continue
        odd = rows.filter(given=given, choice=choice, assignment__side=side)
        for code, position in odd.values_list("assignment__participation__code", "assignment__position"):
            yield f"{_named(code, position)}: {given} is stored as {choice}, with the finetuned map on the {side}"
    late = rows.filter(given=Response.Given.TIMEOUT, assignment__is_counted=True, revision=F("assignment__revision"))
    for code, position in late.values_list("assignment__participation__code", "assignment__position"):
        yield f"{_named(code, position)}: no answer in time, and still it holds a place"


def _offered(study: Study) -> Iterator[str]:
    """Every answer was offered by the annotator's protocol. Without one there is no telling: the columns can change."""
    given = (
        Response.objects.filter(assignment__participation__study=study)
        .exclude(assignment__participation__protocol=None)
        .order_by("assignment__participation__code")
        .values_list("assignment__participation_id", "assignment__participation__code", "given", "confidence")
        .distinct()
    )
    specs = _specs(study)
    for pk, code, choice, confidence in given:
        trials = specs[pk].trials
        is_timeout = choice == Response.Given.TIMEOUT
        if choice not in trials.options and not (is_timeout and trials.most_ms is not None):
            yield f"{code}: gave {choice}, which the protocol does not offer"
        if (confidence is not None) != (trials.confidence > 0 and not is_timeout) or (
            confidence is not None and confidence > trials.confidence
        ):
            yield f"{code}: confidence {confidence} where the protocol has {trials.confidence} points"


def _what_counts(study: Study) -> Iterator[str]:
    """Nothing of previews, excluded and withdrawn people counts; who has ended holds nothing that is open."""
    left_out = Q(is_preview=True) | Q(is_excluded=True) | Q(state=WITHDRAWN)
    people = Participation.objects.filter(study=study)
    counted = people.filter(left_out, assignments__is_counted=True).distinct()
    for code, state in counted.values_list("code", "state"):
        yield f"{code}: is left out ({state}), but assignments count"
    ended = Q(state=WITHDRAWN) | Q(is_excluded=True)
    for (code,) in people.filter(ended, assignments__state=State.LIVE).distinct().values_list("code"):
        yield f"{code}: has ended, but has open assignments"
    endless = people.exclude(state=Participation.State.ACTIVE).filter(finished_at=None)
    for code, state in endless.values_list("code", "state"):
        yield f"{code}: is {state} without an end"


def _deletions(study: Study) -> Iterator[str]:
    """Of someone who withdrew and wanted their data deleted, nothing is there; erased ids are empty.

    Not of previews: who starts a new one gets the code of the one before.
    """
    entries = AuditEntry.objects.filter(study=study, action="participation_withdrawn")
    deleted = {detail["participation"] for (detail,) in entries.values_list("detail") if detail.get("deleted")}
    people = Participation.objects.filter(study=study, code__in=deleted, is_preview=False).annotate(
        number_of_answers=Count("assignments__responses", distinct=True),
        number_of_assignments=Count("assignments", distinct=True),
        number_of_pages=Count("pages", distinct=True),
        number_of_findings=Count("findings", distinct=True),
    )
    numbers = ("number_of_answers", "number_of_assignments", "number_of_pages", "number_of_findings")
    for code, state, answers, assignments, pages, findings in people.values_list("code", "state", *numbers):
        if state != WITHDRAWN:
            yield f"{code}: wanted everything deleted, but is {state}"
        if answers or assignments or pages or findings:
            yield (
                f"{code}: wanted everything deleted, but there are {answers} answers, {assignments} assignments, "
                f"{pages} pages and {findings} findings"
            )
    identities = ExternalIdentity.objects.filter(study=study)
    known = identities.exclude(external_id="", external_study="", external_session="")
    must_be_empty = Q(participation__code__in=deleted) | Q(erased_at__isnull=False)
    for (code,) in known.filter(must_be_empty).values_list("participation__code"):
        yield f"{code}: the ids of the recruitment service are erased, but there"


def _pages(study: Study) -> Iterator[str]:
    """The completed pages are the first ones of the protocol, with the wording that it has."""
    specs = _specs(study)
    records = PageRecord.objects.filter(participation__study=study).order_by("participation_id", "pk")
    rows = records.values_list("participation_id", "participation__code", "key", "kind", "text_digest")
    for (pk, code), group in groupby(rows, key=itemgetter(0, 1)):
        pages = {page.key: page for page in specs[pk].pages}
        keys = []
        for _pk, _code, key, kind, digest in group:
            keys.append(key)
            page = pages.get(key)
            if page is None or page.kind != kind:
                yield f"{code}: completed the {kind} page {key}, which the protocol does not have"
            elif digest != _wording(page):
                yield f"{code}: completed the page {key} with another wording than the protocol's"
        if set(keys) != set(list(pages)[: len(keys)]):
            yield f"{code}: completed the pages {', '.join(keys)}, which leaves out others before them"


def _wording(page: Page) -> str:
    # Practice and trials are recorded by the server, which was shown nothing.
    markdown = "" if page.kind in ("practice", "trials") else getattr(page, "markdown", "")
    return text_digest(markdown) if markdown else ""


def _trials_after_pages(study: Study) -> Iterator[str]:
    """Nobody was given trials before the pages ahead of them, or completed the study without its trials."""
    specs = _specs(study)
    done: dict[int, set[str]] = defaultdict(set)
    for pk, key in PageRecord.objects.filter(participation__study=study).values_list("participation_id", "key"):
        done[pk].add(key)
    people = Participation.objects.filter(study=study).exclude(protocol=None)
    people = people.annotate(given=Count("assignments", filter=~Q(assignments__kind=Kind.PRACTICE)))
    for pk, code, state, number in people.values_list("pk", "code", "state", "given"):
        keys = [(page.key, page.kind) for page in specs[pk].pages]
        trials = [kind for _key, kind in keys].index("trials")
        missing = [key for key, _kind in keys[:trials] if key not in done[pk]]
        if number and missing:
            yield f"{code}: was given {number} trials before the pages {', '.join(missing)}"
        if state == Participation.State.COMPLETED and keys[trials][0] not in done[pk]:
            yield f"{code}: is completed, but the end of the trials is not recorded"


def _links(study: Study) -> Iterator[str]:
    """No link let in more people than its quota."""
    used = Link.objects.filter(study=study).annotate(number=Count("uses")).filter(number__gt=F("quota"))
    for link in used:
        yield f"link {link.pk}: was used more than {link.quota} times"


def _exclusions(study: Study) -> Iterator[str]:
    """Who is left out is so by the audit log as well. Not previews, as above."""
    entries = AuditEntry.objects.filter(study=study).values_list("action", "detail")
    logged = Counter((action, detail.get("participation")) for action, detail in entries)
    people = Participation.objects.filter(study=study, is_preview=False)
    for code, is_excluded in people.values_list("code", "is_excluded"):
        excluded = logged["participation_excluded", code] - logged["participation_readmitted", code]
        if excluded != is_excluded:
            yield f"{code}: is_excluded is {is_excluded}, but the audit log has {excluded} exclusions that hold"


def _specs(study: Study) -> dict[int, ProtocolSpec]:
    people = Participation.objects.filter(study=study).select_related("study", "protocol")
    return {participation.pk: participation.spec for participation in people}


CHECKS: tuple[Check, ...] = (
    _places,
    _revisions,
    _positions,
    _kinds,
    _repeats,
    _choices,
    _offered,
    _what_counts,
    _deletions,
    _pages,
    _trials_after_pages,
    _links,
    _exclusions,
)
