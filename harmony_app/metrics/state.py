"""What the database and the broker hold at the moment of a scrape: few queries, whatever the size of the studies."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Count
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from analysis.models import ReportRun
from harmony_app import broker
from harmony_app.bounded import Bounded
from harmony_app.health_parts import DATABASE, Status
from harmony_app.workers import Worker, workers_read
from studies.models import Study
from studies.models.builds import UNDER_WAY, Build, BuildStep

# The latest of those under way; nobody builds so many studies at once.
MOST_BUILDS = 20
STATEMENT_MILLISECONDS = 2000

_BROKER: Bounded[tuple[dict[str, int], list[Worker]]] = Bounded(
    lambda: (broker.queue_lengths(), workers_read()), name="queues", seconds=3.0, keep=1.0
)


def state_metrics() -> tuple[list[Metric], set[str]]:
    """Return the gauges, and the slugs of the open studies. What cannot be read is left out, and `..._up` is 0."""
    if broker.client() is not None:
        _BROKER.begin()
    metrics: list[Metric] = []
    open_studies: set[str] = set()
    is_up = DATABASE.report()[0].status is Status.OK
    if is_up:
        try:
            with _bounded_reads():
                open_studies = set(_open_studies())
                metrics = [*_studies(len(open_studies)), *_reports(), *_builds()]
        except (DatabaseError, InterfaceError):
            is_up = False
    metrics.append(_gauge("harmony_database_up", "Whether the database answers.", float(is_up)))
    metrics.extend(_of_broker())
    return metrics, open_studies


@contextmanager
def _bounded_reads() -> Iterator[None]:
    """Let queries of a scrape take a few seconds at most, where the database can limit them."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [STATEMENT_MILLISECONDS])
        yield


def _open_studies() -> list[str]:
    return list(
        Study.objects.filter(state=Study.State.OPEN, archived_at=None).order_by().values_list("slug", flat=True)
    )


def _studies(count: int) -> Iterator[Metric]:
    yield _gauge("harmony_open_studies", "Studies in which people can take part.", count)


def _reports() -> Iterator[Metric]:
    counted = dict(ReportRun.objects.order_by().values_list("state").annotate(count=Count("pk")))
    family = GaugeMetricFamily("harmony_report_runs", "Computed reports by state.", labels=["state"])
    for state in ReportRun.State.values:
        family.add_metric([state], counted.get(state, 0))
    yield family


def _builds() -> Iterator[Metric]:
    counted = dict(Build.objects.order_by().values_list("state").annotate(count=Count("pk")))
    family = GaugeMetricFamily("harmony_builds", "Builds by state.", labels=["state"])
    for state in Build.State.values:
        family.add_metric([state], counted.get(state, 0))
    yield family
    yield _progress()


def _progress() -> Metric:
    """The share of the present attempt's tasks that are done."""
    family = GaugeMetricFamily(
        "harmony_build_progress", "Share of the tasks done, of the builds under way.", labels=["build", "name"]
    )
    under_way = Build.objects.filter(state__in=UNDER_WAY)[:MOST_BUILDS]
    builds = {row[0]: row[1:] for row in under_way.values_list("pk", "key", "name", "attempt")}
    done: dict[int, int] = dict.fromkeys(builds, 0)
    every: dict[int, int] = dict.fromkeys(builds, 0)
    steps = BuildStep.objects.filter(build__in=builds).order_by().values_list("build", "attempt", "state")
    for build, attempt, state, count in steps.annotate(count=Count("pk")):
        if attempt == builds[build][2]:
            every[build] += count
            done[build] += count if state == BuildStep.State.DONE else 0
    for pk, (key, name, _) in builds.items():
        family.add_metric([str(key), name], done[pk] / every[pk] if every[pk] else 0.0)
    return family


def _of_broker() -> Iterator[Metric]:
    if broker.client() is None:
        return
    answer = _BROKER.answer()
    yield _gauge("harmony_broker_up", "Whether the broker answers.", float(answer.value is not None))
    if answer.value is None:
        return
    lengths, workers = answer.value
    depth = GaugeMetricFamily("harmony_queue_tasks", "Tasks that wait, by queue.", labels=["queue"])
    for queue in broker.QUEUES:
        depth.add_metric([queue], lengths[queue])
    yield depth
    yield _gauge(
        "harmony_tasks_taken", "Tasks that workers took and have not finished.", lengths[broker.UNACKNOWLEDGED]
    )
    seen = GaugeMetricFamily("harmony_workers_seen", "Workers that show signs of life, by queue.", labels=["queue"])
    for queue in broker.QUEUES:
        seen.add_metric([queue], sum(queue in worker.queues for worker in workers))
    yield seen


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
