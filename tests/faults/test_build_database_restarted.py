"""A PostgreSQL that stops at once, as in a crash, while a build is under way."""

import pytest

from harmony_app.tests.servers import Postgres
from tests.faults.build_reference import Reference
from tests.faults.build_site import BuildSite, Run, held_tables, is_loading

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


def test_a_restart_among_chunks_and_one_during_the_import_lose_nothing(
    build_site: BuildSite, references: dict[str, Reference], durable_postgres: Postgres
) -> None:
    build_site.pace(0.05)
    bundle = build_site.order("merge", "begun", "hold")
    run = Run(build_site, references["small"])
    run.until_chunks(2)
    durable_postgres.stop(is_immediate=True)
    durable_postgres.start()
    with held_tables(build_site.database_url):
        # There is no import before.
        bundle.release()
        run.until(is_loading, "the import has begun")
        durable_postgres.stop(is_immediate=True)
        durable_postgres.start()
    told = run.ends_right("PostgreSQL stopped at once and started again: among chunks and during the import")
    assert told["attempt"] == 1
