"""Copies of studies."""

from collections.abc import Callable

import pytest

from studies.models import Participation, Protocol, Response, Study, Trial, User
from studies.selectors_protocol import current_protocol, known_trials
from studies.services import CopyError, assignments_draw, copy_study, protocol_set
from studies.tests.protocols import FULL, PLAIN
from studies.tests.test_drawing import answer


def test_a_copy_has_the_trials_but_no_annotators(participation: Participation) -> None:
    study = participation.study
    answer(assignments_draw(participation=participation, count=1)[0])
    copy = copy_study(study=study, slug="copy", is_simulated=True)
    assert (copy.copied_from, copy.is_simulated, copy.title) == (study, True, study.title)
    assert not copy.participations.exists()
    assert Response.objects.count() == 1

    def described(which: Study) -> list[tuple[object, ...]]:
        fields = ("key", "pair__condition__metric", "pair__image__name", "pair__original", "pair__finetuned")
        return list(Trial.objects.filter(study=which).order_by("key").values_list(*fields))

    assert described(copy) == described(study)
    assert set(Trial.objects.filter(study=copy).values_list("assigned", flat=True)) == {0}
    assert Trial.objects.filter(study=copy).exclude(pair__condition__study=copy).count() == 0
    assert Trial.objects.filter(study=copy).exclude(pair__image__study=copy).count() == 0


def test_the_copy_of_a_simulated_study_is_simulated(tiny_study: Study) -> None:
    simulated = copy_study(study=tiny_study, slug="first", is_simulated=True)
    assert copy_study(study=simulated, slug="second").is_simulated


def test_a_taken_slug_is_refused(tiny_study: Study) -> None:
    with pytest.raises(CopyError, match='the slug "tiny" is taken'):
        copy_study(study=tiny_study, slug="tiny")


@pytest.mark.parametrize("slug", ["", "Bad Slug", "a/b", "ü"])
def test_a_copy_needs_a_slug_that_addresses_can_hold(tiny_study: Study, slug: str) -> None:
    with pytest.raises(CopyError, match="is not a slug"):
        copy_study(study=tiny_study, slug=slug)
    assert Study.objects.count() == 1


def test_a_copy_has_the_current_protocol_as_its_first_version_with_its_trials(tiny_study: Study) -> None:
    protocol_set(study=tiny_study, text=FULL.replace("You can stop", "Stop"), name="full.toml")
    protocol = protocol_set(study=tiny_study, text=FULL, name="full.toml")
    copy = copy_study(study=tiny_study, slug="copy")
    copied = current_protocol(copy)
    assert copied is not None
    assert (copied.version, copied.document, copied.source) == (1, protocol.document, FULL)

    def described(version: Protocol) -> list[tuple[object, ...]]:
        rows = known_trials(version, "catch").values_list("pair__image__name", "expected", "decoy", "is_retired")
        return list(rows)

    assert len(described(copied)) == 3
    assert described(copied) == described(protocol)
    assert known_trials(copied, "catch").exclude(pair__condition__study=copy).count() == 0


def test_trials_of_earlier_versions_are_not_copied(tiny_study: Study) -> None:
    protocol_set(study=tiny_study, text=FULL, name="full.toml")
    protocol_set(study=tiny_study, text=PLAIN, name="plain.toml")
    assert copy_study(study=tiny_study, slug="copy").trials.count() == 12


def test_a_copy_belongs_to_the_owner_of_the_study(tiny_study: Study, new_user: Callable[..., User]) -> None:
    tiny_study.owner = new_user("owner")
    tiny_study.save()
    assert copy_study(study=tiny_study, slug="copy").owner == tiny_study.owner
