"""Deleting what was kept long enough: each kind of data has its number of days in the settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from studies.models import ApiToken, ExternalIdentity, Participation, Response
from studies.services.identities import ids_empty


@dataclass(frozen=True)
class Rule:
    """What is deleted, and the setting that says after how many days; None: it is kept."""

    setting: str
    what: str
    due: Callable[[datetime], QuerySet[models.Model]]
    delete: Callable[[QuerySet[models.Model]], int]

    @property
    def days(self) -> int | None:
        days: int | None = getattr(settings, self.setting)
        return days


def retention_apply(*, write: bool, now: datetime | None = None) -> dict[str, int]:
    """Delete what is due, or only count it; returns how much of each kind, by the name of its setting."""
    moment = now or timezone.now()
    return {name: _apply(rule, moment, write) for name, rule in RULES.items() if rule.days is not None}


@transaction.atomic
def _apply(rule: Rule, now: datetime, write: bool) -> int:
    due = rule.due(now - timedelta(days=rule.days or 0))
    return rule.delete(due) if write else due.count()


def _delete_rows(due: QuerySet[models.Model]) -> int:
    number = due.count()
    due.delete()
    return number


def _identities(before: datetime) -> QuerySet[models.Model]:
    """Ids of people whose study has ended for them that long ago, or who have not been seen since."""
    ended = Q(participation__finished_at__lt=before) | Q(
        participation__finished_at=None, participation__last_seen_at__lt=before
    )
    return ExternalIdentity.objects.filter(ended, erased_at=None)


def _previews(before: datetime) -> QuerySet[models.Model]:
    seen = Q(last_seen_at__lt=before) | Q(last_seen_at=None, created_at__lt=before)
    return Participation.objects.filter(seen, is_preview=True)


def _previews_delete(due: QuerySet[models.Model]) -> int:
    keys = list(due.values_list("pk", flat=True))
    Response.objects.filter(assignment__participation__in=keys).erase()
    Participation.objects.filter(pk__in=keys).delete()
    return len(keys)


def _sessions(before: datetime) -> QuerySet[models.Model]:
    return Session.objects.filter(expire_date__lt=before)


def _tokens(before: datetime) -> QuerySet[models.Model]:
    return ApiToken.objects.filter(Q(revoked_at__lt=before) | Q(expires_at__lt=before))


def _log_in_rule(table: type[models.Model]) -> Callable[[datetime], QuerySet[models.Model]]:
    return lambda before: table._default_manager.filter(attempt_time__lt=before)


RULES: Mapping[str, Rule] = {
    rule.what: rule
    for rule in (
        Rule("RETENTION_DAYS_IDENTITIES", "ids at recruitment services", _identities, lambda due: ids_empty(due)),  # type: ignore[arg-type]
        Rule("RETENTION_DAYS_PREVIEWS", "previews", _previews, _previews_delete),
        Rule("RETENTION_DAYS_SESSIONS", "sessions that have ended", _sessions, _delete_rows),
        Rule("RETENTION_DAYS_TOKENS", "tokens that are revoked or have ended", _tokens, _delete_rows),
        Rule("RETENTION_DAYS_LOG_INS", "failed log-ins", _log_in_rule(AccessAttempt), _delete_rows),
        Rule("RETENTION_DAYS_LOG_INS", "failures of log-ins", _log_in_rule(AccessFailureLog), _delete_rows),
        Rule("RETENTION_DAYS_LOG_INS", "times of log-ins", _log_in_rule(AccessLog), _delete_rows),
    )
}
