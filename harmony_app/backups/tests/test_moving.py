"""From a laptop to a server and back: a backup under load, restored into the other database, where people go on."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from harmony_app.tests.browser import Browser
from harmony_app.tests.servers import LiveSite, Postgres, private_folder, running_site
from harmony_app.tests.test_exactly_once import StudySite
from studies.tests.bundles import write_bundle
from tests.faults.people import ADD_STUDY, PROTOCOL, Person, at_work

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

PEOPLE = 5
SLUG = "moved"


class Sites:
    """Running sites on either database, and the accounts of a study's annotators."""

    def __init__(self, stack: ExitStack, postgres: Postgres) -> None:
        self.stack = stack
        self.postgres = postgres

    def start(self, engine: str) -> StudySite:
        url = self.postgres.new_database() if engine == "postgresql" else None
        return StudySite(self.stack.enter_context(running_site(url, workers=2)))


@pytest.fixture
def sites(postgres: Postgres) -> Iterator[Sites]:
    with ExitStack() as stack:
        yield Sites(stack, postgres)


def restored(sites: Sites, engine: str, backup: Path) -> StudySite:
    """Run a new site into which the backup was brought; its tables are made by the restore."""
    folder = sites.stack.enter_context(private_folder())
    url = sites.postgres.new_database() if engine == "postgresql" else None
    site = LiveSite(folder, url, 2)
    print(site.manage("restore", str(backup), "--into-empty"))
    site.start()
    sites.stack.callback(site.stop)
    return StudySite(site)


def people_at(site: StudySite, accounts: list[tuple[str, str]]) -> list[Person]:
    people = []
    for seed, (username, password) in enumerate(accounts):
        browser = Browser(site.site.url)
        browser.log_in(username, password)
        people.append(Person(browser, SLUG, seed))
    return people


def answers_of(site: StudySite) -> dict[str, str]:
    return {row[0]: row[1] for row in site.responses(SLUG)}


def report_of(site: StudySite, folder: Path) -> dict[str, bytes]:
    site.site.manage("agreement_report", SLUG, "--out", str(folder))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("source", "target"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_a_study_that_people_work_on_moves_to_the_other_database(
    sites: Sites, tmp_path: Path, source: str, target: str
) -> None:
    old = sites.start(source)
    bundle = write_bundle(tmp_path / "bundle", slug=SLUG, images=8)
    accounts = json.loads(old.site.python("-c", ADD_STUDY, str(bundle), str(PEOPLE), PROTOCOL))
    people = people_at(old, accounts)
    backups = tmp_path / "backups"
    acknowledged: dict[str, str] = {}

    def back_up() -> None:
        acknowledged.update({uuid: choice for person in people for uuid, choice in dict(person.given).items()})
        old.site.manage("backup", str(backups))

    at_work(people, back_up, after=20)
    given = {uuid: choice for person in people for uuid, choice in person.given.items()}
    assert len(acknowledged) >= 20

    new = restored(sites, target, backups)
    moved = answers_of(new)
    print(
        f"{source} -> {target}: {len(acknowledged)} given before, {len(moved)} in the backup, {len(given)} at the end"
    )
    assert acknowledged.items() <= moved.items() <= given.items()
    assert new.site.manage("check_study", "--pictures") == f"{SLUG}: consistent\n"

    # Everybody goes on where the backup found them, with the password that they have.
    again = people_at(new, accounts)
    for person in again:
        person.take_part()
    assert new.site.manage("check_study") == f"{SLUG}: consistent\n"
    assert answers_of(new).keys() == moved.keys() | {uuid for person in again for uuid in person.given}

    # And the study as it ended here gives the same report there, byte by byte.
    old.site.manage("backup", str(tmp_path / "end.tar"))
    end = restored(sites, target, tmp_path / "end.tar")
    assert answers_of(end) == given
    assert report_of(end, tmp_path / "there") == report_of(old, tmp_path / "here")
