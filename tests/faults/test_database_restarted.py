"""PostgreSQL that is stopped and started again while annotators answer."""

from collections.abc import Iterator

import pytest

from harmony_app.tests.servers import Postgres, running_site
from harmony_app.tests.test_exactly_once import StudySite
from tests.faults.people import at_work, counted, people_of, wait_for_failure

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@pytest.fixture(scope="module")
def study_site(durable_postgres: Postgres) -> Iterator[StudySite]:
    with running_site(durable_postgres.new_database()) as site:
        yield StudySite(site)


@pytest.mark.parametrize("is_immediate", [False, True], ids=["fast", "immediate"])
def test_a_restart_under_load_loses_no_answer_and_doubles_none(
    study_site: StudySite, durable_postgres: Postgres, is_immediate: bool
) -> None:
    slug = "restarted-immediate" if is_immediate else "restarted-fast"
    people = people_of(study_site, slug, 8)

    def restart() -> None:
        durable_postgres.stop(is_immediate=is_immediate)
        wait_for_failure(people)
        durable_postgres.start()

    at_work(people, restart, after=40)
    count = counted(study_site, slug, people)
    assert count.repeated > 0
    assert count.given > 120


def test_restarts_one_after_the_other_under_load_lose_nothing(
    study_site: StudySite, durable_postgres: Postgres
) -> None:
    people = people_of(study_site, "restarted-often", 8)

    def restart_often() -> None:
        for _ in range(4):
            durable_postgres.stop(is_immediate=True)
            wait_for_failure(people)
            durable_postgres.start()

    at_work(people, restart_often, after=30)
    assert counted(study_site, "restarted-often", people).repeated > 0
