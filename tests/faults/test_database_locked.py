"""SQLite whose file another writer holds for seconds, or on whose disk there is no room, while annotators answer."""

import contextlib
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from harmony_app.tests.servers import LiveSite
from harmony_app.tests.test_exactly_once import StudySite
from tests.faults.people import at_work, counted, people_of, wait_for_failure

pytestmark = pytest.mark.slow


def hold_lock(study_site: StudySite, seconds: float, until: Callable[[], None] = lambda: None) -> None:
    """Be another writer, such as a backup that went wrong, for so many seconds and until something has happened."""
    file = study_site.site.folder / "harmony.sqlite3"
    with contextlib.closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        until()
        connection.execute("ROLLBACK")


def test_while_another_writer_holds_the_file_for_seconds_requests_wait(sqlite_site: StudySite) -> None:
    people = people_of(sqlite_site, "locked", 8)
    at_work(people, lambda: hold_lock(sqlite_site, 5), after=40)
    assert counted(sqlite_site, "locked", people).repeated == 0


def test_a_lock_that_is_held_longer_than_requests_wait_loses_nothing(sqlite_site: StudySite) -> None:
    people = people_of(sqlite_site, "locked-long", 8)
    # SQLite counts how long it means to sleep between its looks at the lock; on a busy machine 20 s are more.
    at_work(people, lambda: hold_lock(sqlite_site, 24, partial(wait_for_failure, people)), after=40)
    assert counted(sqlite_site, "locked-long", people).repeated > 0


def workers(site: LiveSite) -> Iterator[int]:
    """Return the process ids of the server's workers."""
    assert site.server.process is not None
    master = site.server.process.pid
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The second field, in brackets, may hold spaces.
            if int(status.read_text().rpartition(")")[2].split()[1]) == master:
                yield int(status.parent.name)


def test_a_database_without_room_to_grow_loses_no_answer(sqlite_site: StudySite) -> None:
    people = people_of(sqlite_site, "no-room", 8)
    log = sqlite_site.site.folder / "harmony.sqlite3-wal"

    def be_full() -> None:
        full = list(workers(sqlite_site.site))
        before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in full}
        for pid in full:
            # No file can grow beyond where the write-ahead log begins its next page: the kernel refuses the write.
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (min(4096, log.stat().st_size), before[pid][1]))
        time.sleep(3)
        wait_for_failure(people)
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)

    at_work(people, be_full, after=40)
    assert counted(sqlite_site, "no-room", people).repeated > 0
