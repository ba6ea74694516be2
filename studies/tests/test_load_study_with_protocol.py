"""Bundles loaded over a study that has a protocol."""

from pathlib import Path

import pytest
from django.core.management import call_command

from studies.bundles.errors import BundleError
from studies.models import Participation, Protocol, Study, Trial
from studies.selectors_protocol import current_protocol, known_trials
from studies.services import Change, assignments_draw, load_bundle, protocol_set
from studies.tests.bundles import read_fixture_text, write_bundle, write_fixture
from studies.tests.protocols import FULL
from studies.tests.test_drawing import answer


@pytest.fixture
def protocol(tiny_study: Study) -> Protocol:
    return protocol_set(study=tiny_study, text=FULL, name="full.toml")


def test_the_same_bundle_again_leaves_the_protocol_and_its_trials(protocol: Protocol, tiny_bundle: Path) -> None:
    before = set(Trial.objects.values_list("pk", flat=True))
    assert load_bundle(folder=tiny_bundle).change is Change.UNCHANGED
    assert set(Trial.objects.values_list("pk", flat=True)) == before
    assert Study.objects.get().annotators_per_trial == 3


def test_the_same_bundle_is_known_by_its_rows_whatever_the_protocol_decided(
    protocol: Protocol, tiny_bundle: Path
) -> None:
    Study.objects.update(bundle_digest="")
    assert load_bundle(folder=tiny_bundle).change is Change.UNCHANGED
    assert known_trials(protocol, "catch").count() == 3


def test_loaddata_of_the_same_fixture_keeps_what_the_protocol_decided(
    protocol: Protocol, tiny_bundle: Path, participation: Participation
) -> None:
    answer(assignments_draw(participation=participation, count=1)[0])
    call_command("loaddata", str(tiny_bundle / "study.json"), verbosity=0)
    stored = Study.objects.get()
    assert (stored.title, stored.annotators_per_trial, stored.allow_undo) == ("Maps of shapes", 3, False)


def test_a_changed_bundle_gets_the_protocols_trials_and_columns_anew(protocol: Protocol, tmp_path: Path) -> None:
    changed = write_bundle(tmp_path / "changed", slug="tiny", images=5)
    loaded = load_bundle(folder=changed)
    assert (loaded.change, loaded.study.annotators_per_trial, loaded.study.title) == (
        Change.UPDATED,
        3,
        "Maps of shapes",
    )
    assert current_protocol(loaded.study) == protocol
    assert known_trials(protocol, "catch").count() == 3
    assert known_trials(protocol, "practice").count() == 2
    assert loaded.study.trials.filter(kind="main").count() == 20


def test_a_changed_bundle_that_the_protocol_does_not_fit_is_refused(protocol: Protocol, tmp_path: Path) -> None:
    small = write_bundle(tmp_path / "small", slug="tiny", images=1)
    with pytest.raises(BundleError, match=r"does not fit the bundle:\n.*pages\[1\]\.make: only 1 of 2 decoys"):
        load_bundle(folder=small)
    assert Trial.objects.filter(kind="main").count() == 12


def test_a_bundle_cannot_bring_catch_trials(db: None, tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle", slug="tiny")
    objects, files = read_fixture_text(folder)
    objects[-1]["fields"]["kind"] = "catch"
    write_fixture(folder, objects, {name: digest for name, digest in files.items() if name != "study.json"})
    with pytest.raises(BundleError, match="kind: 'catch' trials come from a protocol alone"):
        load_bundle(folder=folder)
