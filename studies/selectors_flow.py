"""Reads: where in the protocol an annotator is."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Literal

from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from studies.models import Assignment, PageRecord, Participation, Response
from studies.prepared import Prepared
from studies.protocol.spec import Page, Practice, ProtocolSpec, Text, Trials
from studies.quality.observed import is_expected
from studies.selectors import progress_get

# Those who neither came to the end nor withdrew.
SENT_AWAY = frozenset(
    {Participation.State.FAILED_CHECKS, Participation.State.SCREENED_OUT, Participation.State.OVER_QUOTA}
)

StepKind = Literal["page", "practice", "trials", "finished"]


class Verdict(Enum):
    """What became of the practice so far."""

    GOES_ON = "goes_on"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True)
class PracticeStand:
    """The round that an annotator is in, from 1, and how many of the last finished round were right."""

    round: int
    correct: int
    verdict: Verdict


@dataclass(frozen=True)
class Step:
    """What comes next for an annotator. `index` counts the protocol's pages from 1; `page` is None at the end.

    `outcome` is how a finished participation ended.
    """

    kind: StepKind
    index: int
    of: int
    page: Page | None = None
    practice: PracticeStand | None = None
    outcome: str = ""


def flow_step(participation: Participation) -> Step:
    """Return the first page of the protocol that is not completed. Takes a participation with study and protocol.

    For those who were sent away after answering trials it is the first of the texts that are for everybody. Without a
    protocol the trials are all there is, and more of them may come: such a participation stays active.
    """
    pages = participation.spec.pages
    if participation.state != Participation.State.ACTIVE:
        owed = _text_owed(participation)
        if owed is not None:
            return Step("page", pages.index(owed) + 1, len(pages), owed)
        return Step("finished", len(pages), len(pages), outcome=participation.state)
    if participation.protocol_id is None and progress_get(participation).is_done:
        return Step("finished", len(pages), len(pages), outcome=Participation.State.COMPLETED)
    done = completed_pages(participation)
    for index, page in enumerate(pages, start=1):
        if page.key in done:
            continue
        if isinstance(page, Trials):
            return Step("trials", index, len(pages), page)
        if isinstance(page, Practice):
            return Step("practice", index, len(pages), page, practice=practice_stand(participation, page))
        return Step("page", index, len(pages), page)
    return Step("finished", len(pages), len(pages), outcome=Participation.State.COMPLETED)


def texts_for_everybody(spec: ProtocolSpec) -> list[Text]:
    """Return the texts that are shown whichever way a participation ends."""
    return [page for page in spec.pages if isinstance(page, Text) and page.always]


def _text_owed(participation: Participation) -> Text | None:
    texts = texts_for_everybody(participation.spec)
    if not texts or participation.state not in SENT_AWAY:
        return None
    if not participation.assignments.filter(revision__gte=1).exists():
        return None
    done = completed_pages(participation)
    return next((text for text in texts if text.key not in done), None)


# Asked with every request for trials.
_COMPLETED = Prepared(
    lambda participation: PageRecord.objects.filter(participation=participation).order_by().values_list("key"),
    participation=int,
)


def completed_pages(participation: Participation) -> set[str]:
    """Return the keys of the pages that are completed. No query without a protocol, which has no pages."""
    if participation.protocol_id is None:
        return set()
    return {key for (key,) in _COMPLETED.all(participation=participation.pk)}


class Hindrance(Enum):
    """Why an annotator is given no trials."""

    PAGES_FIRST = "pages_first"
    ENDED = "ended"

    @property
    def detail(self) -> str:
        return {
            Hindrance.PAGES_FIRST: _("Other pages come before the trials."),
            Hindrance.ENDED: _("The trials of this study are over for you."),
        }[self]


def trials_hindrance(participation: Participation) -> Hindrance | None:
    """Return why no trials are given out: they are over for the annotator, or pages come first. At most one query."""
    if participation.state != Participation.State.ACTIVE:
        return Hindrance.ENDED
    done = completed_pages(participation)
    for page in participation.spec.pages:
        if isinstance(page, Trials):
            return Hindrance.ENDED if page.key in done else None
        if page.key not in done:
            return Hindrance.PAGES_FIRST
    return None


def practice_stand(participation: Participation, page: Practice) -> PracticeStand:
    """Return how far the practice is, in one query. Of every trial the first answer counts, also where undo is allowed.

    A round is over when all its trials are answered; where `neither` is expected, every answer that prefers no map
    is right.
    """
    first = Response.objects.filter(assignment=OuterRef("pk"), revision=1).values("choice")
    rows = (
        Assignment.objects.filter(participation=participation, kind=Assignment.Kind.PRACTICE)
        .annotate(choice=Subquery(first))
        .order_by("-round")
        .values_list("round", "state", "choice", "trial__expected")
    )
    last = rows[0][0] if rows else 0
    current = [row for row in rows if row[0] == last]
    if not current:
        return PracticeStand(1, 0, Verdict.GOES_ON)
    correct = sum(is_expected(choice, expected) for _round, _state, choice, expected in current)
    if any(state != Assignment.State.ANSWERED for _round, state, _choice, _expected in current):
        return PracticeStand(last, correct, Verdict.GOES_ON)
    if correct >= page.pass_correct:
        return PracticeStand(last, correct, Verdict.PASSED)
    if last >= page.most_rounds:
        return PracticeStand(last, correct, Verdict.FAILED)
    return PracticeStand(last + 1, correct, Verdict.GOES_ON)


def practice_assignments(participation: Participation, number: int) -> QuerySet[Assignment]:
    """Return what is still to be answered in a round of the practice, in order, with trial and pair."""
    mine = Assignment.objects.filter(participation=participation, kind=Assignment.Kind.PRACTICE, round=number)
    return mine.filter(state=Assignment.State.LIVE).select_related("trial__pair").order_by("position")


def page_given_at(participation: Participation) -> datetime:
    """Return when the current page was first given out: at the end or the start, or when another was completed."""
    last: datetime | None = participation.pages.aggregate(last=Max("completed_at"))["last"]
    moments = [moment for moment in (last, participation.finished_at, participation.started_at) if moment is not None]
    return max(moments, default=participation.created_at)


class Leaving(Enum):
    """What there is of someone who has withdrawn."""

    NOT_LEFT = "not_left"
    DECLINED = "declined"
    ANSWERS_KEPT = "answers_kept"
    NOTHING_KEPT = "nothing_kept"


def leaving_of(participation: Participation) -> Leaving:
    """Return whether the annotator has withdrawn, and whether anything they entered is still there."""
    if participation.state != Participation.State.WITHDRAWN:
        return Leaving.NOT_LEFT
    pages = list(participation.pages.values_list("kind", "answers"))
    if any(kind == "consent" and not answers["accepted"] for kind, answers in pages):
        return Leaving.DECLINED
    answered = participation.assignments.filter(revision__gte=1)
    return Leaving.ANSWERS_KEPT if pages or answered.exists() else Leaving.NOTHING_KEPT
