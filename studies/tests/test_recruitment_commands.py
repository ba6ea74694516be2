"""The commands that make links and erase ids."""

import csv
import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from studies.models import ExternalIdentity, Link, Participation, Study
from studies.recruiting.prolific import Arrival
from studies.services.recruitment import join_from_prolific
from studies.tests.flow_studies import PAGES, add_protocol

SITE = "https://harmony.example"


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_links_are_printed_as_a_table(tiny_study: Study) -> None:
    rows = list(csv.DictReader(io.StringIO(run("create_links", "tiny", "--count", "3", "--site", f"{SITE}/"))))
    links = list(Link.objects.order_by("pk"))
    assert [row["address"] for row in rows] == [f"{SITE}/join/{link.token}/" for link in links]
    assert {link.kind for link in links} == {"invitation"}


def test_an_open_link_has_a_quota_and_an_end(tiny_study: Study) -> None:
    run("create_links", "tiny", "--kind", "open", "--quota", "30", "--days", "7", "--site", SITE)
    link = Link.objects.get()
    assert link.quota == 30
    assert link.expires_at is not None
    assert (link.expires_at - link.created_at).days in (6, 7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing", "--site", SITE], "unknown study 'nothing'"),
        (["tiny", "--count", "0", "--site", SITE], "Make 1 to 1000 links"),
        (["tiny", "--quota", "2", "--site", SITE], "An invitation is for one person"),
        (["tiny", "--site", "harmony.example"], "is no address of a site"),
        (["tiny", "--site", f"{SITE}/studies/"], "is no address of a site"),
        (["tiny", "--label", "a" * 101, "--site", SITE], "more than 100 characters"),
    ],
)
def test_links_that_would_not_work_are_refused(tiny_study: Study, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run("create_links", *arguments)
    assert not Link.objects.exists()


@pytest.fixture
def people(tiny_study: Study) -> list[Participation]:
    add_protocol(tiny_study, *PAGES, recruitment={"prolific": {"completed": "C1"}})
    return [join_from_prolific(study=tiny_study, arrival=Arrival(letter * 24, "b" * 24, "c" * 24)) for letter in "xyz"]


def known() -> dict[str, str]:
    rows: Any = ExternalIdentity.objects.values_list("participation__code", "external_id")
    return dict(rows)


def test_everybodys_ids_are_erased(people: list[Participation]) -> None:
    assert "ids of 3 annotators erased" in run("erase_identities", "tiny", "--all")
    assert set(known().values()) == {""}


def test_the_ids_of_some_are_erased(people: list[Participation]) -> None:
    assert "ids of 2 annotators erased" in run("erase_identities", "tiny", "--codes", "A01", "A03")
    assert known() == {"A01": "", "A02": "y" * 24, "A03": ""}


def test_an_id_tells_the_code_of_its_annotator_also_when_it_is_erased(people: list[Participation]) -> None:
    for number in (1, 0):
        said = run("erase_identities", "tiny", "--prolific-id", "y" * 24)
        assert "this is the annotator A02" in said
        assert f"ids of {number} annotators erased" in said
    assert known() == {"A01": "x" * 24, "A02": "", "A03": "z" * 24}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing", "--all"], "unknown study 'nothing'"),
        (["tiny", "--codes", "A01", "A09"], "no annotators with the codes A09"),
        (["tiny", "--prolific-id", "q" * 24], "nobody with this Prolific id"),
        (["tiny"], "one of the arguments"),
    ],
)
def test_ids_that_are_not_there_are_not_erased(people: list[Participation], arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run("erase_identities", *arguments)
    assert "" not in known().values()
