"""Setting a study's protocol."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from django.core.files.storage import default_storage
from PIL import Image

from studies.models import AuditEntry, PageRecord, Pair, Participation, Picture, Protocol, Study, Trial, User
from studies.protocol.faults import Fault, ProtocolError
from studies.protocol.spec import ProtocolSpec
from studies.selectors_protocol import current_protocol, known_trials
from studies.services import assignments_draw, enrol, protocols
from studies.services.known_trials import PlannedTrial, known_trials_plan
from studies.services.protocols import protocol_set
from studies.tests.protocols import FULL, PLAIN
from studies.tests.test_drawing import answer


def stored_pixels(picture: Picture) -> npt.NDArray[np.uint8]:
    with default_storage.open(picture.path) as file:
        return np.array(Image.open(file))


def test_the_first_protocol_is_version_one_and_decides_the_studys_columns(tiny_study: Study) -> None:
    protocol = protocol_set(study=tiny_study, text=FULL, name="full.toml")
    stored = Study.objects.get(pk=tiny_study.pk)
    assert (protocol.version, protocol.source) == (1, FULL)
    assert (stored.title, stored.annotators_per_trial, stored.trials_per_annotator) == ("Maps of shapes", 3, 6)
    assert (stored.allow_undo, stored.offer_neither) == (False, True)
    assert tiny_study.annotators_per_trial == 3


def test_catch_and_practice_trials_show_different_pairs_with_either_map_right_equally_often(tiny_study: Study) -> None:
    protocol = protocol_set(study=tiny_study, text=FULL.replace("make = 3", "make = 4"), name="full.toml")
    catch, practice = list(known_trials(protocol, "catch")), list(known_trials(protocol, "practice"))
    assert [trial.expected for trial in catch] == ["original", "finetuned"] * 2
    assert [trial.expected for trial in practice] == ["original", "finetuned"]
    assert len({trial.pair_id for trial in (*catch, *practice)}) == 6
    assert len({trial.pair.condition_id for trial in catch}) == 4


def test_a_decoy_has_the_pixels_of_the_map_that_is_not_expected_in_other_places(tiny_study: Study) -> None:
    protocol = protocol_set(study=tiny_study, text=FULL, name="full.toml")
    for trial in known_trials(protocol, "catch"):
        assert trial.decoy is not None
        wrong = trial.pair.finetuned if trial.expected == "original" else trial.pair.original
        decoy, shown = stored_pixels(trial.decoy), stored_pixels(wrong)
        assert decoy.shape == shown.shape
        assert not np.array_equal(decoy, shown)
        assert np.array_equal(np.sort(decoy.reshape(-1, 3), axis=0), np.sort(shown.reshape(-1, 3), axis=0))


def test_the_same_protocol_again_makes_nothing_new(tiny_study: Study) -> None:
    first = protocol_set(study=tiny_study, text=FULL, name="full.toml")
    trials = Trial.objects.count()
    assert protocol_set(study=tiny_study, text=f"# The same.\n{FULL}", name="full.toml") == first
    assert (Protocol.objects.count(), Trial.objects.count(), AuditEntry.objects.count()) == (1, trials, 1)


def test_the_same_study_and_protocol_give_the_same_trials(tiny_study: Study) -> None:
    def described(protocol: Protocol) -> list[tuple[object, ...]]:
        rows = known_trials(protocol, "catch")
        return list(rows.values_list("pair_id", "expected", "decoy__digest"))

    first = protocol_set(study=tiny_study, text=FULL, name="full.toml")
    protocol_set(study=tiny_study, text=PLAIN, name="plain.toml")
    again = protocol_set(study=tiny_study, text=FULL, name="full.toml")
    assert (again.version, described(again)) == (3, described(first))


def test_a_new_version_retires_the_trials_of_the_one_before_and_no_main_trial(tiny_study: Study) -> None:
    first = protocol_set(study=tiny_study, text=FULL, name="full.toml")
    second = protocol_set(study=tiny_study, text=FULL.replace("make = 3", "make = 5"), name="full.toml")
    assert set(known_trials(first, "catch").values_list("is_retired", flat=True)) == {True}
    assert set(known_trials(second, "catch").values_list("is_retired", flat=True)) == {False}
    assert tiny_study.trials.filter(kind="main", is_retired=False).count() == 12


def test_a_version_that_wants_the_same_known_trials_goes_on_with_them(tiny_study: Study) -> None:
    first = protocol_set(study=tiny_study, text=FULL, name="full.toml")
    second = protocol_set(study=tiny_study, text=FULL.replace("make = 3", "make = 5"), name="full.toml")
    assert list(known_trials(second, "practice")) != list(known_trials(first, "practice"))
    third = protocol_set(
        study=tiny_study, text=FULL.replace("make = 3", "make = 5").replace("You can stop", "Stop"), name="full.toml"
    )
    for kind in ("catch", "practice"):
        assert list(known_trials(third, kind)) == list(known_trials(second, kind))
        assert not known_trials(third, kind).filter(is_retired=True).exists()
    assert tiny_study.trials.filter(is_retired=False).count() == 12 + 5 + 2


def test_a_version_without_known_trials_has_none_of_those_before(tiny_study: Study) -> None:
    first = protocol_set(study=tiny_study, text=FULL, name="full.toml")
    second = protocol_set(study=tiny_study, text=PLAIN, name="plain.toml")
    assert (known_trials(second, "catch").count(), known_trials(first, "catch").count()) == (0, 3)
    assert not tiny_study.trials.filter(is_retired=False).exclude(kind="main").exists()


def test_named_trials_become_known_trials_with_their_feedback(tiny_study: Study) -> None:
    text = PLAIN.replace(
        '[[pages]]\nkind = "trials"',
        '[[pages]]\nkind = "practice"\ntitle = "Practice"\n'
        'trials = [{ trial = "00003", expected = "neither", feedback = "Both miss it." }]\n[[pages]]\nkind = "trials"',
    )
    (trial,) = known_trials(protocol_set(study=tiny_study, text=text, name="p.toml"), "practice")
    assert trial.pair == tiny_study.trials.get(key="00003").pair
    assert (trial.expected, trial.feedback, trial.decoy) == ("neither", "Both miss it.", None)


def test_who_has_not_started_gets_the_new_version_and_who_has_keeps_theirs(
    tiny_study: Study, new_user: Callable[..., User]
) -> None:
    first = protocol_set(study=tiny_study, text=FULL, name="full.toml")
    started, waiting = (enrol(study=tiny_study, annotator=new_user(name)) for name in ("started", "waiting"))
    PageRecord.objects.create(participation=started, key="consent", kind="consent", uuid="0" * 31 + "1")
    second = protocol_set(study=tiny_study, text=f"{PLAIN}[trials]\nannotators_per_trial = 3", name="p", reason="Late.")
    versions = Participation.objects.in_bulk([started.pk, waiting.pk])
    assert (versions[started.pk].protocol, versions[waiting.pk].protocol) == (first, second)


def test_who_enrols_later_takes_part_under_the_current_version(
    tiny_study: Study, new_user: Callable[..., User]
) -> None:
    protocol = protocol_set(study=tiny_study, text=FULL, name="full.toml")
    assert enrol(study=tiny_study, annotator=new_user()).protocol == protocol


def test_once_there_are_data_a_change_needs_a_reason(participation: Participation) -> None:
    study = participation.study
    answer(assignments_draw(participation=participation, count=1)[0])
    with pytest.raises(ProtocolError, match=r"full\.toml: reason: the study tiny has data.*give the reason"):
        protocol_set(study=study, text=FULL, name="full.toml", reason=" ")
    assert current_protocol(study) is None
    assert protocol_set(study=study, text=FULL, name="full.toml", reason="Add catch trials.").reason


def test_who_started_without_a_protocol_goes_on_as_the_study_was_then(participation: Participation) -> None:
    study = participation.study
    before = study.plain_spec
    answer(assignments_draw(participation=participation, count=1)[0])
    protocol = protocol_set(study=study, text=FULL, name="full.toml", reason="Add catch trials.")
    participation.refresh_from_db()
    assert participation.protocol is not None
    assert (participation.protocol.version, protocol.version) == (1, 2)
    assert participation.spec == before
    assert participation.spec.trials.undo


def test_a_study_that_is_changed_while_decoys_are_made_is_left_as_it_is(
    tiny_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow_plan(study: Study, spec: ProtocolSpec) -> tuple[list[PlannedTrial], list[Fault]]:
        monkeypatch.setattr(protocols, "known_trials_plan", known_trials_plan)
        protocol_set(study=study, text=PLAIN, name="other.toml")
        return known_trials_plan(study, spec)

    monkeypatch.setattr(protocols, "known_trials_plan", slow_plan)
    with pytest.raises(ProtocolError, match=r"full\.toml: the study tiny was changed at the same time; try again"):
        protocol_set(study=tiny_study, text=FULL, name="full.toml")
    assert [protocol.source for protocol in Protocol.objects.all()] == [PLAIN]


def test_answers_of_previews_are_no_data(participation: Participation) -> None:
    Participation.objects.update(is_preview=True)
    answer(assignments_draw(participation=participation, count=1)[0])
    assert protocol_set(study=participation.study, text=FULL, name="full.toml").version == 1


def test_once_there_are_data_trials_cannot_want_fewer_annotators(participation: Participation) -> None:
    answer(assignments_draw(participation=participation, count=1)[0])
    with pytest.raises(ProtocolError, match=r"trials\.annotators_per_trial: 1 is below the 2 that hold so far"):
        protocol_set(study=participation.study, text=PLAIN, name="p.toml", reason="Cheaper.")


def test_setting_a_protocol_is_in_the_audit_log(tiny_study: Study, new_user: Callable[..., User]) -> None:
    actor = new_user("researcher")
    protocol_set(study=tiny_study, text=FULL, name="full.toml", actor=actor, reason="Start.")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.detail["version"], entry.detail["reason"]) == (
        "protocol_set",
        actor,
        1,
        "Start.",
    )


def test_all_that_does_not_fit_the_study_is_told_at_once_and_nothing_is_written(tiny_study: Study) -> None:
    text = """
[[pages]]
kind = "plugin"
key = "mood"
title = "Mood"
plugin = "survey-likret"
[[pages]]
kind = "practice"
title = "Practice"
make = 11
trials = [{ trial = "00001", expected = "original" }]
[[pages]]
kind = "trials"
[catch]
share = 0.5
trials = [{ trial = "00001", expected = "original" }, { trial = "0002", expected = "original" }]
"""
    with pytest.raises(ProtocolError) as caught:
        protocol_set(study=tiny_study, text=text, name="p.toml")
    assert [fault.path for fault in caught.value.faults] == [
        "catch.trials[1].trial",
        "pages[1].trials[0].trial",
        "catch.make",
        "pages[0].plugin",
    ]
    assert not Protocol.objects.exists()
    assert Trial.objects.count() == 12


def test_there_have_to_be_as_many_catch_trials_as_each_annotator_gets(tiny_study: Study) -> None:
    protocol_set(study=tiny_study, text=FULL.replace("make = 3", "make = 2"), name="p.toml")
    with pytest.raises(ProtocolError) as caught:
        protocol_set(study=tiny_study, text=FULL.replace("make = 3", "make = 1"), name="p.toml")
    assert str(caught.value) == (
        "p.toml: catch.make: 0.4 of 6 trials are 2 catch trials, and there are 1; raise it by 1, or lower catch.share"
    )


def test_more_decoys_than_pairs_are_refused_with_the_number_that_is_possible(tiny_study: Study) -> None:
    text = FULL.replace("make = 3", "make = 11")
    with pytest.raises(ProtocolError, match=r"pages\[1\].make: only 1 of 2 decoys.*lower it to 1"):
        protocol_set(study=tiny_study, text=text, name="p.toml")


def test_a_study_whose_pictures_are_missing_in_the_storage_is_refused(tiny_study: Study) -> None:
    for pair in Pair.objects.select_related("original", "finetuned"):
        default_storage.delete(pair.original.path)
        default_storage.delete(pair.finetuned.path)
    with pytest.raises(ProtocolError, match=r"catch\.make: only 0 of 3 decoys .*the picture .* cannot be read"):
        protocol_set(study=tiny_study, text=FULL, name="p.toml")
