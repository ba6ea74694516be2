"""What the site needs, part by part: each asked for a bounded time, with a plain reason and without secrets."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from harmony_app import broker
from harmony_app.bounded import Answer, Bounded
from harmony_app.workers import Worker, workers_read
from studies.media import hurried
from studies.models import Picture
from studies.models.builds import UNDER_WAY, Build


class Status(StrEnum):
    OK = "ok"
    FAILED = "failed"
    # Not there: not set up, or nobody in sight.
    ABSENT = "absent"


@dataclass(frozen=True)
class Finding:
    status: Status
    reason: str = ""


@dataclass(frozen=True)
class Part:
    """One of the things that the site needs; without a `vital` one it cannot serve annotators."""

    name: str
    bounded: Bounded[Finding]
    is_vital: bool

    def report(self) -> tuple[Finding, float]:
        """Return what is found, and how many milliseconds it took."""
        answer = self.bounded.answer()
        return _finding(answer), answer.ms


def _finding(answer: Answer[Finding]) -> Finding:
    if answer.value is not None:
        return answer.value
    if answer.error is None:
        return Finding(Status.FAILED, f"no answer within {answer.ms / 1000:.1f} s")
    # The text of an error may hold addresses and names of accounts; its kind does not.
    return Finding(Status.FAILED, f"it cannot be reached ({type(answer.error).__name__})")


def _probe() -> BaseDatabaseWrapper:
    """Return a connection of its own that gives up soon; those of requests wait longer, and may be in use."""
    probe = connections.create_connection(DEFAULT_DB_ALIAS)
    if probe.vendor == "postgresql":
        options = {**probe.settings_dict["OPTIONS"], "connect_timeout": 2}
        probe.settings_dict = {**probe.settings_dict, "OPTIONS": options}
    return probe


def _database() -> Finding:
    probe = _probe()
    try:
        with probe.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    finally:
        probe.close()
    return Finding(Status.OK)


def _migrations() -> Finding:
    probe = _probe()
    try:
        executor = MigrationExecutor(probe)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    finally:
        probe.close()
    if missing:
        first = missing[0][0]
        return Finding(
            Status.FAILED,
            f"{len(missing)} not applied, the first is {first.app_label}.{first.name}; run `manage.py migrate`",
        )
    return Finding(Status.OK)


def _storage() -> Finding:
    path = _stored_picture()
    # In a thread of its own, which knows nothing of the request.
    with hurried(is_refused=False):
        is_there = default_storage.exists(path or "pictures")
    if path is not None and not is_there:
        return Finding(
            Status.FAILED, "a picture of the database is not there; look whether the right folder or bucket is set"
        )
    return Finding(Status.OK)


def _stored_picture() -> str | None:
    """Return the path of a picture that has to be there; None where there is none, or the database is away."""
    try:
        picture = Picture.objects.order_by("pk").first()
    except (DatabaseError, InterfaceError):
        # Reported as the database's fault.
        return None
    finally:
        connections.close_all()
    return None if picture is None else picture.path


def _broker() -> Finding:
    if not settings.CELERY_BROKER_URL:
        return Finding(Status.ABSENT, "no CELERY_BROKER_URL: nothing is queued")
    asked = broker.client()
    if asked is None:
        return Finding(Status.ABSENT, "the broker is no Redis, so it is not looked at")
    asked.ping()
    return Finding(Status.OK)


def queues_wanted() -> set[str]:
    """Return the queues that somebody has to serve, as the settings say."""
    wanted = set()
    if settings.REPORTS == "celery":
        wanted.add("reports")
    if settings.BUILDS == "celery":
        wanted |= {"default", "gpu"}
    return wanted


def _workers() -> Finding:
    wanted = queues_wanted()
    if not wanted:
        return Finding(Status.OK, "none is needed")
    seen = workers_read()
    missing = sorted(wanted - {queue for worker in seen for queue in worker.queues})
    if not missing:
        return Finding(Status.OK, _sentence(seen))
    reason = f"nobody serves the queue {' or '.join(missing)}"
    if set(missing) & {"default", "gpu"} and _builds_wait():
        return Finding(Status.FAILED, f"{reason}, and a build waits")
    return Finding(Status.ABSENT, reason)


def _builds_wait() -> bool:
    try:
        return Build.objects.filter(state__in=UNDER_WAY).exists()
    except (DatabaseError, InterfaceError):
        return False
    finally:
        connections.close_all()


def _sentence(seen: list[Worker]) -> str:
    return "seen: " + ", ".join(worker.name for worker in seen)


def _part(name: str, ask: Callable[[], Finding], *, is_vital: bool, seconds: float, keep: float) -> Part:
    return Part(name, Bounded(ask, name=name, seconds=seconds, keep=keep), is_vital)


DATABASE = _part("database", _database, is_vital=True, seconds=3.0, keep=1.0)
PARTS = (
    DATABASE,
    # Looked at again now and then: somebody may go back to an earlier version.
    _part("migrations", _migrations, is_vital=True, seconds=5.0, keep=30.0),
    _part("storage", _storage, is_vital=True, seconds=3.0, keep=5.0),
    _part("broker", _broker, is_vital=False, seconds=3.0, keep=2.0),
    _part("workers", _workers, is_vital=False, seconds=3.0, keep=2.0),
)
