"""Work in the background: the broker, workers, what waits and what failed."""

from collections.abc import Iterator
from datetime import timedelta

import redis
from django.conf import settings
from django.utils import timezone

from analysis.models import ReportRun
from harmony_app import broker
from harmony_app.doctor.result import Result, fail, ok, warn
from harmony_app.workers import workers_read
from studies.models.builds import Build

RECENT = timedelta(days=7)
LONG_QUEUE = 1000
START = "start it: see docs/deploy.md"


def _wanted() -> set[str]:
    wanted = set()
    if settings.REPORTS == "celery":
        wanted.add("reports")
    if settings.BUILDS == "celery":
        wanted |= {"default", "gpu"}
    return wanted


def reachable() -> Iterator[Result]:
    if not settings.CELERY_BROKER_URL:
        yield ok("no broker is set: this machine does all the work")
        return
    asked = broker.client()
    if asked is None:
        yield warn("the broker is no Redis, so it was not looked at", "set CELERY_BROKER_URL to redis://...")
        return
    try:
        asked.ping()
        yield ok("the broker answers")
        yield from _kept(asked)
    except redis.RedisError as error:
        # The text of the error may hold the address with its password.
        yield fail(
            f"the broker cannot be reached ({type(error).__name__})", "start Redis, or correct CELERY_BROKER_URL"
        )


def _kept(asked: redis.Redis) -> Iterator[Result]:
    # Some hosted servers do not tell how they are set up.
    try:
        facts = {name: str(asked.config_get(name).get(name, "")) for name in ("appendonly", "maxmemory-policy")}
    except redis.ResponseError:
        yield warn(
            "the broker does not say how it is set up", "look that it has appendonly yes, maxmemory-policy noeviction"
        )
        return
    if facts["appendonly"] != "yes":
        yield warn(
            "Redis has appendonly=no: queued work is forgotten when it restarts",
            "set appendonly yes; builds and reports can be asked for again",
        )
    else:
        yield ok("Redis writes what it holds to the disk")
    if facts["maxmemory-policy"] != "noeviction":
        yield fail(
            f"Redis has maxmemory-policy={facts['maxmemory-policy']}: it throws work away when memory is short",
            "set maxmemory-policy noeviction",
        )
    else:
        yield ok("Redis throws nothing away")


def workers() -> Iterator[Result]:
    wanted = _wanted()
    if not wanted:
        yield ok("no workers are needed")
        return
    try:
        served = {queue for worker in workers_read() for queue in worker.queues}
    except redis.RedisError as error:
        yield fail(f"workers cannot be looked for ({type(error).__name__})", "start Redis first")
        return
    for queue in sorted(wanted):
        if queue in served:
            yield ok(f"the queue {queue} is served")
        else:
            yield fail(f"no worker serves the queue {queue}", START)


def backlog() -> Iterator[Result]:
    try:
        lengths = broker.queue_lengths()
    except redis.RedisError as error:
        yield fail(f"queues cannot be looked at ({type(error).__name__})", "start Redis first")
        return
    for queue, length in lengths.items():
        if length > LONG_QUEUE:
            yield warn(f"{length} tasks wait in {queue}", "start more workers, or look whether they hang")
    if not any(length > LONG_QUEUE for length in lengths.values()):
        yield ok(f"waiting: {', '.join(f'{name} {length}' for name, length in lengths.items()) or 'nothing'}")


def failures() -> Iterator[Result]:
    since = timezone.now() - RECENT
    builds = Build.objects.filter(state=Build.State.FAILED, finished_at__gte=since).count()
    reports = ReportRun.objects.filter(state=ReportRun.State.FAILED, finished_at__gte=since).count()
    if builds:
        yield warn(f"{builds} builds failed in the last 7 days", "see /builds/, and retry what should be done")
    if reports:
        yield warn(f"{reports} reports failed in the last 7 days", "open them in the dashboard, and ask again")
    if not builds and not reports:
        yield ok("no build and no report failed in the last 7 days")
