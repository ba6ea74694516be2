"""What `test_builds_at_once` runs on a PostgreSQL of its own: threads with connections of their own."""

import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import django
from django.core.management import call_command
from django.db import connection

THREADS = 8


def at_once(work: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """Call `work` in so many threads in the same moment; returns what came of it, errors among it."""
    gate = threading.Barrier(count)
    results: list[Any] = [None] * count

    def one(number: int) -> None:
        gate.wait()
        try:
            results[number] = work(number)
        except (ValueError, RuntimeError) as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class Site:
    """Like the tests' `BuildSite`, for threads."""

    def __init__(self) -> None:
        from studies.builds import broker
        from studies.builds.storage import open_storage

        self.lock = threading.Lock()
        self.queue: list[Any] = []
        self.storage = open_storage()
        broker.publish = self._publish
        broker.queue_is_empty = lambda name: not self.queue

    def _publish(self, messages: Any) -> None:
        for message in messages:
            if message[1] != "studies.builds.tick":
                with self.lock:
                    self.queue.append(message)

    def events_of(self, messages: Sequence[Any]) -> list[list[dict[str, Any]]]:
        """Do the steps, and return what their workers tell."""
        from studies.tests.build_worker import carry_out

        told: list[list[dict[str, Any]]] = []
        for _, task, kwargs in messages:
            events: list[dict[str, Any]] = []
            carry_out(self.storage, task, kwargs, events.extend)
            told.append(events)
        return told

    def build(self, pairs: int = 40) -> Any:
        from studies.builds.asking import build_queue
        from studies.tests.build_site import config

        return build_queue(owner=None, text=config(pairs=pairs), file_name="study.toml", trusted=True)

    def to_the_import(self) -> Any:
        from studies.builds import ticking

        build = self.build(pairs=4)
        ticking.builds_tick()
        while self.queue and self.queue[0][1] != "studies.builds.load":
            for events in self.events_of([self.queue.pop(0)]):
                ticking.heard(events)
        return build


def ticks(site: Site) -> None:
    """Ticks at once send every step once."""
    from studies.builds import ticking

    site.build()
    for _ in range(4):
        at_once(lambda _: ticking.builds_tick())
        names = [kwargs["step"] for _, _, kwargs in site.queue]
        assert len(names) == len(set(names)), names
        taken, site.queue = site.queue, []
        for events in site.events_of(taken):
            at_once(partial(_hear, [events]), 2)


def ends(site: Site) -> None:
    """The ends of all steps, each told to several at once, lead to one bundle."""
    from studies.builds import ticking
    from studies.models import BuildStep

    build = site.build()
    ticking.builds_tick()
    seen: list[str] = []
    while site.queue and site.queue[0][1] != "studies.builds.load":
        taken, site.queue = site.queue, []
        seen += [kwargs["step"] for _, _, kwargs in taken]
        told = site.events_of(taken)
        at_once(partial(_hear, told))
    assert len(seen) == len(set(seen)) == 1 + 2 + 20 + 1, seen
    assert [message[1] for message in site.queue] == ["studies.builds.load"], site.queue
    assert BuildStep.objects.filter(build=build).count() == 25


def _hear(told: list[list[dict[str, Any]]], number: int) -> None:
    from studies.builds import ticking

    for events in told if number % 2 else told[::-1]:
        ticking.heard(events)


def asks(site: Site) -> None:
    """Of several who ask for the same study one gets a build; of several who try again, one does."""
    from studies.builds.asking import build_cancel, build_retry
    from studies.models import Build, BuildStep

    at_once(lambda _: site.build())
    build = Build.objects.get()
    results = at_once(lambda _: build_cancel(build=Build.objects.get(), actor=None))
    assert sum(isinstance(result, Build) for result in results) == 1, results
    results = at_once(lambda _: build_retry(build=build, actor=None))
    assert sum(isinstance(result, Build) for result in results) == 1, results
    assert (Build.objects.get().attempt, BuildStep.objects.count()) == (2, 1)


def imports(site: Site) -> None:
    """Of several imports at once one loads the study."""
    from studies.builds.importing import build_load
    from studies.models import AuditEntry, Build, Study

    build = site.to_the_import()
    results = at_once(lambda _: build_load(key=build.key, attempt=1))
    assert sum(results) == 1, results
    assert (Build.objects.get().state, Study.objects.count()) == ("done", 1)
    assert AuditEntry.objects.filter(action="built").count() == 1


def cancels(site: Site) -> None:
    """Cancelling and importing at once: there is the study of a build that is done, or neither."""
    from studies.builds.asking import build_cancel, build_remove
    from studies.builds.importing import build_load
    from studies.models import Build, Study

    ends: list[tuple[str, int]] = []
    for number in range(6):
        site.queue.clear()
        build = site.to_the_import()
        waiting = threading.Event()

        def one(role: int, build: Any = build, waiting: threading.Event = waiting, number: int = number) -> Any:
            if role:
                waiting.wait(0.03 * number)
                return build_cancel(build=build, actor=None)
            return build_load(key=build.key, attempt=1)

        at_once(one, 2)
        state = Build.objects.get().state
        ends.append((state, Study.objects.count()))
        Study.objects.all().delete()
        build_remove(build=Build.objects.get(), actor=None)
    assert set(ends) <= {("done", 1), ("cancelled", 0)}, ends
    print(ends)


SCENARIOS = {scenario.__name__: scenario for scenario in (ticks, ends, asks, imports, cancels)}


if __name__ == "__main__":
    django.setup()
    call_command("flush", verbosity=0, interactive=False)
    SCENARIOS[sys.argv[1]](Site())
    print("as it should be")
