"""Workers and servers that are killed between a write and its reply, and inside a write."""

from pathlib import Path
from typing import Any

import pytest

from harmony_app.tests.test_exactly_once import StudySite
from tests.faults.faulty_site import How, Moment, order
from tests.faults.people import Person, counted, people_of

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


def start_again_if_killed(study_site: StudySite) -> None:
    server = study_site.site.server
    if server.process is not None and server.process.poll() is not None:
        # Its workers may go a moment later.
        study_site.site.kill()
        study_site.site.start()


def person_of(study_site: StudySite, slug: str) -> Person:
    (person,) = people_of(study_site, slug, 1, images=3)
    person.on_failure = lambda: start_again_if_killed(study_site)
    return person


def to_trials(person: Person) -> Any:
    person.complete(person.step()["page"])
    return person.next()


@pytest.mark.parametrize("how", ["kill_worker", "kill_server"])
@pytest.mark.parametrize("moment", ["inserted", "committed"])
def test_an_answer_whose_reply_was_lost_in_a_kill_is_stored_once(
    faulty_site: StudySite, moment: Moment, how: How
) -> None:
    slug = f"{moment}-{how}".replace("_", "-")
    person = person_of(faulty_site, slug)
    reply = to_trials(person)
    reply = person.answer(reply["assignments"][0])
    taken = order(faulty_site.site, "/responses/", moment, how)
    person.answer(reply["assignments"][0])
    assert not taken.exists()
    assert person.failures >= 1
    # What was committed before the kill is found by its uuid; what was not has left nothing behind.
    assert person.statuses == ({201: 1, 200: 1} if moment == "committed" else {201: 2})
    person.take_part()
    counted(faulty_site, slug, [person])


@pytest.mark.parametrize("how", ["kill_worker", "kill_server"])
@pytest.mark.parametrize("moment", ["inserted", "committed"])
def test_every_write_of_a_participation_survives_a_kill(faulty_site: StudySite, moment: Moment, how: How) -> None:
    slug = f"whole-way-{moment}-{how}".replace("_", "-")
    person = person_of(faulty_site, slug)
    paths = ["/pages/consent/", "/assignments/next/", "/responses/", "/pages/goodbye/"]
    if moment == "committed":
        # Nothing is inserted with the first step, and the next one comes again at the end of the trials.
        paths += ["/steps/next/", "/steps/next/"]
    orders: list[Path] = [order(faulty_site.site, path, moment, how) for path in paths]
    person.take_part()
    assert [file.name for file in orders if file.exists()] == []
    assert person.failures >= len(paths)
    counted(faulty_site, slug, [person])


@pytest.mark.parametrize("moment", ["received", "committed"])
def test_a_withdrawal_whose_reply_was_lost_has_deleted_everything(faulty_site: StudySite, moment: Moment) -> None:
    slug = f"leaving-{moment}"
    person = person_of(faulty_site, slug)
    person.answer(to_trials(person)["assignments"][0])
    taken = order(faulty_site.site, "/withdraw/", moment, "kill_worker")
    person.asked(f"/api/v1/studies/{slug}/withdraw/", {"delete": True})
    assert not taken.exists()
    assert faulty_site.responses(slug) == []
    assert faulty_site.site.manage("check_study", slug) == f"{slug}: consistent\n"
