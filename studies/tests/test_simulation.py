"""Simulated annotators: their response model, and that they leave what real ones would."""

from pathlib import Path

import numpy as np
import pytest
from django.db.models import Count

from studies.models import Assignment, Participation, Response, Study, User
from studies.services import AnnotatorError, copy_study, enrol, load_bundle
from studies.simulation import ResponseModel, SimulationError, choice_probabilities, simulate_annotators
from studies.tests.bundles import write_bundle


@pytest.fixture
def simulated_copy(tiny_study: Study) -> Study:
    return copy_study(study=tiny_study, slug="copy", is_simulated=True)


def answers(study: Study) -> list[tuple[str, str, str, float]]:
    rows = Response.objects.filter(assignment__participation__study=study).order_by(
        "assignment__participation__code", "assignment__position"
    )
    return list(rows.values_list("assignment__trial__key", "assignment__side", "choice", "rt_ms"))


def test_the_probabilities_are_those_of_davidson() -> None:
    log_odds, nu = 1.3, 0.8
    weights = np.array([np.exp(log_odds), 1, nu * np.exp(log_odds / 2)])
    assert choice_probabilities(np.array([log_odds]), nu)[0] == pytest.approx(weights / weights.sum())


def test_a_tie_weight_of_zero_leaves_no_neither() -> None:
    assert choice_probabilities(np.array([-3.0, 0.0, 800.0]), 0.0)[:, 2].tolist() == [0, 0, 0]


def test_each_trial_gets_its_wanted_number_of_annotators(simulated_copy: Study) -> None:
    simulated = simulate_annotators(study=simulated_copy, annotators=3, seed=1)
    assert (simulated.annotators, simulated.responses) == (3, 24)
    per_trial = simulated_copy.trials.annotate(answers=Count("assignments__responses"))
    assert set(per_trial.values_list("answers", flat=True)) == {2}
    assert set(simulated_copy.trials.values_list("assigned", flat=True)) == {2}


def test_the_annotators_share_the_work(tmp_path: Path, db: None) -> None:
    study = load_bundle(folder=write_bundle(tmp_path / "bundle", slug="many", images=25)).study
    copy = copy_study(study=study, slug="copy", is_simulated=True)
    simulate_annotators(study=copy, annotators=4, seed=1)
    per_annotator = Participation.objects.filter(study=copy).annotate(answers=Count("assignments__responses"))
    assert min(per_annotator.values_list("answers", flat=True)) >= 40


def test_only_annotators_who_found_a_trial_are_counted(simulated_copy: Study) -> None:
    assert simulate_annotators(study=simulated_copy, annotators=9, seed=1).annotators < 9


def test_a_response_says_what_its_side_means(simulated_copy: Study) -> None:
    simulate_annotators(study=simulated_copy, annotators=3, seed=1)
    for response in Response.objects.select_related("assignment"):
        if response.given == "neither":
            assert response.choice == "neither"
        else:
            assert (response.choice == "finetuned") == (response.given == response.assignment.side)
        assert response.revision == response.assignment.revision == 1
        assert response.assignment.state == Assignment.State.ANSWERED
        assert response.assignment.answered_at == response.created_at
        assert response.rt_ms > 0


def test_the_seed_decides_the_answers(tiny_study: Study) -> None:
    given: list[list[tuple[str, str, str, float]]] = []
    for seed in (1, 1, 2):
        copy = copy_study(study=tiny_study, slug=f"copy{len(given)}", is_simulated=True)
        simulate_annotators(study=copy, annotators=3, seed=seed)
        given.append(answers(copy))
    assert given[0] == given[1]
    assert given[0] != given[2]


def test_the_effects_show_in_the_answers(tmp_path: Path, db: None) -> None:
    study = load_bundle(folder=write_bundle(tmp_path / "bundle", slug="many", images=40, annotators_per_trial=4)).study
    copy = copy_study(study=study, slug="copy", is_simulated=True)
    model = ResponseModel(attributor_effects={"GradCAM": 2.0, "GuidedBackprop": -2.0})
    simulate_annotators(study=copy, annotators=4, seed=3, model=model)
    shares = {
        attributor: np.mean(
            [
                choice == "finetuned"
                for choice in Response.objects.filter(
                    assignment__trial__pair__condition__attributor=attributor,
                    assignment__participation__study=copy,
                ).values_list("choice", flat=True)
            ]
        )
        for attributor in ("GradCAM", "GuidedBackprop")
    }
    assert shares["GradCAM"] > 0.5 > 0.25 > shares["GuidedBackprop"]


def test_a_study_without_neither_gets_no_neither(simulated_copy: Study) -> None:
    simulated_copy.offer_neither = False
    simulated_copy.save()
    simulate_annotators(study=simulated_copy, annotators=2, seed=1)
    assert not Response.objects.filter(choice="neither").exists()


def test_the_limit_of_trials_per_annotator_holds(simulated_copy: Study) -> None:
    simulated_copy.trials_per_annotator = 5
    simulated_copy.save()
    assert simulate_annotators(study=simulated_copy, annotators=3, seed=1).responses == 15


def test_simulated_annotators_cannot_log_in(simulated_copy: Study) -> None:
    simulate_annotators(study=simulated_copy, annotators=1, seed=1)
    annotator = Participation.objects.get(study=simulated_copy).annotator
    assert not annotator.is_active
    assert not annotator.has_usable_password()


def test_simulated_codes_cannot_be_taken_for_those_of_people(simulated_copy: Study) -> None:
    simulate_annotators(study=simulated_copy, annotators=2, seed=1)
    codes = Participation.objects.filter(study=simulated_copy).order_by("code")
    assert list(codes.values_list("code", flat=True)) == ["SIM01", "SIM02"]


def test_people_cannot_take_part_in_a_simulated_study(simulated_copy: Study) -> None:
    with pytest.raises(AnnotatorError, match="the annotators of copy are simulated, so people cannot take part"):
        enrol(study=simulated_copy, annotator=User.objects.create_user("ana"))
    assert not Participation.objects.exists()


def test_a_study_for_people_is_refused(tiny_study: Study) -> None:
    with pytest.raises(SimulationError, match="not flagged as simulated; simulate into a copy"):
        simulate_annotators(study=tiny_study, annotators=2, seed=0)
    assert not Response.objects.exists()


def test_a_study_with_participants_is_refused(simulated_copy: Study) -> None:
    simulate_annotators(study=simulated_copy, annotators=1, seed=0)
    with pytest.raises(SimulationError, match="has participants already"):
        simulate_annotators(study=simulated_copy, annotators=1, seed=0)


def test_a_user_name_that_is_taken_leaves_nothing_behind(simulated_copy: Study, tiny_study: Study) -> None:
    enrol(study=tiny_study, annotator=User.objects.create_user("copy-sim02"))
    with pytest.raises(SimulationError, match="copy-sim02 is taken"):
        simulate_annotators(study=simulated_copy, annotators=3, seed=0)
    assert not Participation.objects.filter(study=simulated_copy).exists()


@pytest.mark.parametrize("annotators", [0, -1])
def test_too_few_annotators_are_refused(simulated_copy: Study, annotators: int) -> None:
    with pytest.raises(SimulationError, match="too few"):
        simulate_annotators(study=simulated_copy, annotators=annotators, seed=0)


def test_a_closed_study_is_refused(simulated_copy: Study) -> None:
    simulated_copy.state = Study.State.CLOSED
    simulated_copy.save()
    with pytest.raises(SimulationError, match="is closed; open it first"):
        simulate_annotators(study=simulated_copy, annotators=1, seed=0)
