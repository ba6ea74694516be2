"""Reads: one annotator's session in the order of time, and one trial with all its answers; for researchers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from django.db.models import Count, F, Prefetch, Q, QuerySet

from studies.models import Assignment, PageRecord, Participation, QualityFinding, Response, Study, Trial
from studies.quality.observed import NO_PREFERENCE, absences_of, is_expected

BREAK = timedelta(minutes=2)
"""A longer time between two answers, without the reaction time, is shown as a break."""


@dataclass(frozen=True)
class Given:
    """An answered assignment with the response that counts, and the ones that it replaced."""

    assignment: Assignment
    response: Response
    replaced: Sequence[Response]
    at: datetime

    @property
    def is_timeout(self) -> bool:
        return self.response.choice == Response.Choice.TIMEOUT

    @property
    def is_right(self) -> bool | None:
        """Whether the answer is the expected one; None where no answer is."""
        expected = self.assignment.trial.expected
        return is_expected(self.response.choice, expected) if expected else None

    @property
    def times_hidden(self) -> int:
        """How often the page was out of sight or lost the focus while the trial was on, as the browser says."""
        return absences_of(self.response.timing)


EventKind = Literal["joined", "started", "page", "answer", "break", "finding", "finished"]


@dataclass(frozen=True)
class Event:
    """One line of a session."""

    at: datetime
    kind: EventKind
    given: Given | None = None
    page: PageRecord | None = None
    finding: QualityFinding | None = None
    pause: timedelta | None = None


@dataclass(frozen=True)
class Session:
    """What an annotator did, from the first visit to the end."""

    events: Sequence[Event]
    answers: Sequence[Given]
    live: int
    released: int
    breaks: int
    times_hidden: int
    flagged: int


def participation_of(study: Study, code: str) -> Participation | None:
    """Return the study's participation of this code, previews among them, with annotator and protocol."""
    # PostgreSQL takes no NUL in a text, and no code has one.
    if "\0" in code:
        return None
    return Participation.objects.select_related("annotator", "protocol").filter(study=study, code=code).first()


def annotator_session(participation: Participation) -> Session:
    """Return the annotator's session, in five queries."""
    assignments = (
        Assignment.objects.filter(participation=participation)
        .select_related("trial__pair__condition", "trial__pair__image", "repeat_of")
        .prefetch_related(Prefetch("responses", Response.objects.order_by("revision")))
        .order_by("answered_at", "position")
    )
    states = Counter(assignment.state for assignment in assignments)
    answers = [given for assignment in assignments if (given := _given(assignment)) is not None]
    events = [Event(participation.created_at, "joined")]
    if participation.started_at is not None:
        events.append(Event(participation.started_at, "started"))
    events += [Event(page.completed_at, "page", page=page) for page in participation.pages.all()]
    events += [Event(finding.found_at, "finding", finding=finding) for finding in participation.findings.all()]
    breaks = _breaks(answers)
    events += [Event(given.at, "answer", given=given) for given in answers] + breaks
    events.sort(key=lambda event: event.at)
    if participation.finished_at is not None:
        events.append(Event(participation.finished_at, "finished"))
    return Session(
        events=events,
        answers=answers,
        live=states[Assignment.State.LIVE],
        released=states[Assignment.State.RELEASED],
        breaks=len(breaks),
        times_hidden=sum(given.times_hidden for given in answers),
        flagged=sum(bool(given.response.flags) for given in answers),
    )


def _given(assignment: Assignment) -> Given | None:
    responses = list(assignment.responses.all())
    if not responses or assignment.answered_at is None:
        return None
    return Given(assignment, responses[-1], responses[:-1], assignment.answered_at)


def _breaks(answers: Sequence[Given]) -> list[Event]:
    """Return the breaks between answers, each placed where it began."""
    breaks = []
    for before, after in pairwise(answers):
        pause = after.at - before.at - timedelta(milliseconds=after.response.rt_ms)
        if pause > BREAK:
            # Just after the answer that it follows.
            breaks.append(Event(before.at + timedelta(microseconds=1), "break", pause=pause))
    return breaks


@dataclass(frozen=True)
class TrialAnswers:
    """A trial's answers, the earliest first, and how often each choice stands among those that count."""

    answers: Sequence[Given]
    tally: Sequence[tuple[str, int]]
    counted: int
    live: int


def trial_of(study: Study, pk: int) -> Trial | None:
    """Return the study's trial with its condition and pictures."""
    return (
        Trial.objects.select_related(
            "pair__condition", "pair__image__picture", "pair__original", "pair__finetuned", "decoy"
        )
        .filter(study=study, pk=pk)
        .first()
    )


def trial_answers(trial: Trial) -> TrialAnswers:
    """Return all answers to the trial but those of previews, in two queries."""
    assignments = list(
        Assignment.objects.filter(trial=trial, participation__is_preview=False)
        .select_related("participation", "trial")
        .prefetch_related(Prefetch("responses", Response.objects.order_by("revision")))
        .order_by("answered_at", "pk")
    )
    answers = [given for assignment in assignments if (given := _given(assignment)) is not None]
    counted = [given for given in answers if given.assignment.is_counted]
    tally = Counter(given.response.choice for given in counted)
    return TrialAnswers(
        answers=answers,
        tally=[(choice, tally[choice]) for choice in Response.Choice.values if tally[choice]],
        counted=len(counted),
        live=sum(assignment.state == Assignment.State.LIVE for assignment in assignments),
    )


def trial_rows(study: Study, *, condition: int | None = None, kind: str = "", search: str = "") -> QuerySet[Trial]:
    """Return the study's trials with their pairs, those of a condition or kind, or with a text in key or image."""
    trials = Trial.objects.filter(study=study).select_related("pair__condition", "pair__image").order_by("key")
    if condition is not None:
        trials = trials.filter(pair__condition=condition)
    if kind:
        trials = trials.filter(kind=kind)
    if search:
        trials = trials.filter(Q(key__icontains=search) | Q(pair__image__name__icontains=search))
    return trials


def choices_of(trials: Sequence[Trial]) -> dict[int, dict[str, int]]:
    """Return how often each choice stands among the answers that count, by trial, and all ties as `ties`: one query."""
    found: dict[int, dict[str, int]] = {trial.pk: {} for trial in trials}
    for trial, choice, number in (
        Response.objects.filter(
            assignment__trial__in=trials, assignment__is_counted=True, revision=F("assignment__revision")
        )
        .order_by()
        .values_list("assignment__trial", "choice")
        .annotate(Count("pk"))
    ):
        found[trial][choice] = number
        if choice in NO_PREFERENCE:
            found[trial]["ties"] = found[trial].get("ties", 0) + number
    return found
