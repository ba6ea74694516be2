"""The address that Prometheus asks."""

import os
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from harmony_app.health_parts import DATABASE, Status
from harmony_app.metrics.state import state_metrics
from harmony_app.operators import has_token, is_admins, is_from_this_machine
from studies.counts import REGISTRY

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
BY_STUDY = "harmony_study_responses_stored"


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Show the metrics as text, to admins and to whoever brings `METRICS_TOKEN`; without one, to this machine alone."""
    if not (has_token(request) or (not settings.METRICS_TOKEN and is_from_this_machine(request))):
        database_answers = DATABASE.report()[0].status is Status.OK
        if not (database_answers and is_admins(request)):
            return _refused()
    state, open_studies = state_metrics()
    registry = CollectorRegistry()
    registry.register(_Given([*_counted(open_studies), *state]))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _refused() -> HttpResponse:
    if settings.METRICS_TOKEN:
        text = "The metrics need the header `Authorization: Bearer ...` with the token of METRICS_TOKEN.\n"
        return HttpResponse(text, status=401, content_type="text/plain", headers={"WWW-Authenticate": "Bearer"})
    text = "The metrics are for this machine alone; set METRICS_TOKEN to read them from another one.\n"
    return HttpResponse(text, status=403, content_type="text/plain")


def _counted(open_studies: set[str]) -> Iterator[Metric]:
    """Give what was counted by all processes of the server, of studies only those that are open."""
    collector: Collector = REGISTRY
    if os.environ.get(FOLDER):
        collector = MultiProcessCollector(None)  # type: ignore[no-untyped-call]
    for metric in collector.collect():
        if metric.name == BY_STUDY:
            metric.samples = [sample for sample in metric.samples if sample.labels["study"] in open_studies]
        yield metric


class _Given(Collector):
    """Gives metrics that were made before."""

    def __init__(self, made: list[Metric]) -> None:
        self._made = made

    def collect(self) -> Iterable[Metric]:
        return self._made
