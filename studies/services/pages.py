"""Completing the pages around the trials, each exactly once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from studies.models import PageRecord, Participation
from studies.protocol.markdown import text_digest
from studies.protocol.spec import Consent, Page, Text
from studies.selectors_flow import flow_step, page_given_at
from studies.services.finishing import participation_finish, participation_lock
from studies.services.flow import participation_visit
from studies.services.page_answers import InvalidPageError, checked_answers, screened_out_by
from studies.services.quality import participation_exclude
from studies.services.withdrawal import identity_erase, participation_withdraw

# Timers of browsers are coarse; nobody reads anything in this time.
TOLERANCE_SECONDS = 0.5


class PageOutcome(Enum):
    """What became of a completed page. Everything but the first two is a conflict: nothing was stored."""

    STORED = "stored"
    STORED_BEFORE = "stored_before"
    COMPLETED = "completed"
    NOT_CURRENT = "not_current"
    CHANGED = "changed"
    ENDED = "ended"

    @property
    def detail(self) -> str:
        return {
            PageOutcome.STORED: _("The page is stored."),
            PageOutcome.STORED_BEFORE: _("This very page was stored before."),
            PageOutcome.COMPLETED: _("The page was completed before, with other answers."),
            PageOutcome.NOT_CURRENT: _("Another page comes first."),
            PageOutcome.CHANGED: _("The text of the page is another one by now. Please read it again."),
            PageOutcome.ENDED: _("Your part in this study has ended."),
        }[self]


class UnknownPageError(LookupError):
    """The protocol has no such page."""


@dataclass(frozen=True)
class PageCompleted:
    """The outcome, and the participation as it is afterwards."""

    outcome: PageOutcome
    participation: Participation


def page_digest(page: Page) -> str:
    """Return the SHA-256 of the page's Markdown, "" where there is none: which wording was shown."""
    markdown: str = getattr(page, "markdown", "")
    return text_digest(markdown) if markdown else ""


def page_complete(
    *,
    participation: Participation,
    key: str,
    uuid: UUID,
    answers: Mapping[str, Any],
    digest: str,
    shown_seconds: float | None = None,
) -> PageCompleted:
    """Store that an annotator has completed the current page, with what they entered.

    - The same page sent again is found by its `uuid` and changes nothing; with other answers it is refused.
    - Only the first page that is not completed is taken, so that none is skipped. Practice and trials are no pages
      that can be sent.
    - `digest` says which wording the annotator has seen, and must be the current one.
    - A page with `least_seconds` is refused before that time has passed since it was first given out, by the server's
      clock, whatever the browser says.
    - Declining the consent withdraws; an answer that screens out ends the participation.

    Raises UnknownPageError for a page that the protocol does not have, InvalidPageError for answers that it does not
    allow.
    """
    participation_visit(participation)
    with transaction.atomic():
        return _complete(participation_lock(participation), key, uuid, answers, digest, shown_seconds)


def _complete(
    locked: Participation,
    key: str,
    uuid: UUID,
    answers: Mapping[str, Any],
    digest: str,
    shown_seconds: float | None,
) -> PageCompleted:
    page = next((page for page in locked.spec.pages if page.key == key), None)
    if page is None:
        raise UnknownPageError(key)
    checked = checked_answers(page, answers) if page.kind not in ("practice", "trials") else {}
    record = PageRecord.objects.filter(participation=locked, key=key).first()
    if record is not None:
        is_same = record.uuid == uuid and record.answers == checked
        return PageCompleted(PageOutcome.STORED_BEFORE if is_same else PageOutcome.COMPLETED, locked)
    step = flow_step(locked)
    if step.kind != "page" or step.page is None or step.page.key != key:
        is_active = locked.state == Participation.State.ACTIVE
        return PageCompleted(PageOutcome.NOT_CURRENT if is_active else PageOutcome.ENDED, locked)
    if digest != page_digest(page):
        return PageCompleted(PageOutcome.CHANGED, locked)
    _check_time(page, locked, shown_seconds)
    try:
        with transaction.atomic():
            _insert(page, locked, uuid, checked, shown_seconds)
    except IntegrityError:
        # The page is locked against others, so it is the uuid that is there already: on another page.
        raise InvalidPageError({"uuid": _("It was used for another page.")}) from None
    _follow(page, locked, checked)
    return PageCompleted(PageOutcome.STORED, locked)


def _check_time(page: Page, participation: Participation, shown_seconds: float | None) -> None:
    if shown_seconds is not None and (not math.isfinite(shown_seconds) or shown_seconds < 0):
        raise InvalidPageError({"shown_seconds": _("A time is a number of seconds, 0 or more.")})
    if not isinstance(page, Text) or page.least_seconds <= 0:
        return
    left = page_given_at(participation) + timedelta(seconds=page.least_seconds) - timezone.now()
    if left > timedelta(seconds=TOLERANCE_SECONDS):
        message = _("Please take your time: this page can be left in %(seconds)d s.")
        raise InvalidPageError({"shown_seconds": message % {"seconds": math.ceil(left.total_seconds())}})


def _insert(
    page: Page, participation: Participation, uuid: UUID, answers: Mapping[str, Any], shown_seconds: float | None
) -> None:
    PageRecord.objects.create(
        participation=participation,
        key=page.key,
        kind=page.kind,
        uuid=uuid,
        answers=dict(answers),
        text_digest=page_digest(page),
        # Of someone who declines nothing is kept but that they did.
        shown_seconds=None if answers.get("accepted") is False else shown_seconds,
    )


def _follow(page: Page, participation: Participation, answers: Mapping[str, Any]) -> None:
    """End the participation where the answers say so."""
    if isinstance(page, Consent) and answers["accepted"] is False:
        participation_withdraw(participation=participation, delete=False)
        identity_erase(participation)
        return
    field = screened_out_by(page, answers)
    if field is None:
        return
    participation_finish(participation, Participation.State.SCREENED_OUT)
    if participation.assignments.filter(is_counted=True).exists():
        participation_exclude(participation, f"screened out by {page.key}.{field}")
