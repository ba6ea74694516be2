"""What a draw reads of the trials of a study."""

from pathlib import Path

from pytest_django import DjangoAssertNumQueries

from studies.models import Participation, Study, Trial
from studies.services import load_bundle
from studies.services.pools import pool_for
from studies.tests.bundles import write_bundle


def keys_in(participation: Participation, given: set[int]) -> set[str]:
    pool = pool_for(participation, given)
    return {candidate.key for condition in pool for candidate in pool[condition]}


def test_what_trials_show_is_read_once(
    participation: Participation, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        first = keys_in(participation, set())
    with django_assert_num_queries(1):
        assert keys_in(participation, set()) == first
    assert len(first) == 12


def test_trials_that_are_full_or_were_given_are_left_out(participation: Participation) -> None:
    full, given, *rest = Trial.objects.order_by("key")
    Trial.objects.filter(pk=full.pk).update(assigned=2)
    assert keys_in(participation, {given.pk}) == {trial.key for trial in rest}


def test_to_a_preview_no_trial_is_full(participation: Participation) -> None:
    Trial.objects.update(assigned=2)
    assert keys_in(participation, set()) == set()
    participation.is_preview = True
    assert len(keys_in(participation, set())) == 12


def test_trials_of_a_bundle_that_is_loaded_anew_are_seen(participation: Participation, tmp_path: Path) -> None:
    before = pool_for(participation, set())
    load_bundle(folder=write_bundle(tmp_path / "changed", slug="tiny", title="Another title"))
    participation.study = Study.objects.get()
    after = pool_for(participation, set())
    pks = [{candidate.trial for condition in pool for candidate in pool[condition]} for pool in (before, after)]
    assert pks[1] == set(Trial.objects.values_list("pk", flat=True))
    assert not pks[0] & pks[1]
