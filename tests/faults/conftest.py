"""Sites with faults, on SQLite and on a PostgreSQL that keeps every commit."""

from collections.abc import Iterator

import pytest

from harmony_app.tests.servers import Postgres, running_postgres, running_site
from harmony_app.tests.test_exactly_once import StudySite

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
