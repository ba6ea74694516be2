"""Sites with faults, on SQLite and on a PostgreSQL that keeps every commit."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from harmony_app.tests.servers import ROOT, Postgres, private_folder, running_postgres, running_site
from harmony_app.tests.test_exactly_once import StudySite
from tests.faults.build_reference import ATTRIBUTORS, Reference
from tests.faults.build_site import BuildSite, Redis, working_site

FAULTY = "tests.faults.faulty_site"


@pytest.fixture(scope="package")
def durable_postgres() -> Iterator[Postgres]:
    """A PostgreSQL server set up as where people use it: what it has committed survives its end."""
    with running_postgres(is_durable=True) as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def faulty_site(request: pytest.FixtureRequest) -> Iterator[StudySite]:
    """The site that takes orders for faults."""
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("durable_postgres").new_database()
    with running_site(url, 2, FAULTY) as site:
        yield StudySite(site)


@pytest.fixture(scope="module")
def sqlite_site() -> Iterator[StudySite]:
    with running_site() as site:
        yield StudySite(site)


@pytest.fixture(scope="package")
def references(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reference]:
    """Configs by name, each with the bundle that one process made of it without faults."""
    folder = tmp_path_factory.mktemp("references")
    command = [sys.executable, "-m", "tests.faults.build_reference", str(folder)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)
    return {name: Reference(folder, name) for name in ATTRIBUTORS}


@pytest.fixture(scope="package")
def broker() -> Iterator[Redis]:
    """A Redis that tests may kill."""
    with private_folder() as folder:
        redis = Redis(folder)
        redis.start()
        yield redis
        redis.kill()


@pytest.fixture(scope="package")
def _working_site(durable_postgres: Postgres, broker: Redis) -> Iterator[BuildSite]:
    with working_site(durable_postgres.new_database(), broker) as site:
        yield site


@pytest.fixture
def build_site(_working_site: BuildSite) -> BuildSite:
    """A site whose builds are done by workers, with all its processes and without builds and faults."""
    _working_site.clear()
    return _working_site
