"""Published data, where they are at hand: what they hold after the import is known from their papers and README."""

import os
import time
from pathlib import Path

import pytest

from analysis.imported import imported_decisions
from analysis.importing.exemplars import read_exemplar_choices
from analysis.importing.model_vs_human import read_model_vs_human
from analysis.measures import MEASURES
from analysis.measures.decisions.frame import check_decisions, main_decisions
from analysis.measures.judgements import judgements_from_frame
from analysis.models import ImportedResponses
from analysis.selectors import judgement_frame, study_facts
from analysis.tests.import_files import run
from studies.models import Study

pytestmark = pytest.mark.usefixtures("own_media")

DATA = Path(os.environ.get("HARMONY_SHARED_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data"))
APP = DATA / "legacy_harmony"
LABELS = DATA / "harmony_labels_vgg.csv"
SETS = DATA / "model_vs_human"
EXEMPLARS = DATA / "borowski" / "experiment_II.csv"

published_app = pytest.mark.skipif(not (APP.is_dir() and LABELS.is_file()), reason="the published labels are not here")
human_sets = pytest.mark.skipif(not SETS.is_dir(), reason="the data of model-vs-human are not here")
exemplars = pytest.mark.skipif(not EXEMPLARS.is_file(), reason="the data of the exemplar images are not here")


@published_app
@pytest.mark.django_db
def test_the_published_labels_load_in_seconds_and_give_judgements() -> None:
    # Of this process alone: others may keep the processors busy.
    start = time.process_time()
    told = run("import_harmony_app", fixtures=APP, labels=LABELS, slug="vgg")
    assert time.process_time() - start < 10
    assert "15,000 responses of 5 participants\n4 answers left out" in told
    assert "15 of 30 conditions have no labels" in told
    study = Study.objects.get()
    judgements = judgements_from_frame(judgement_frame(study))
    assert (judgements.n, len(judgements.conditions), len(judgements.annotators)) == (15_000, 15, 5)
    facts = study_facts(study)
    assert {facts_of.key for facts_of in facts.conditions} == set(judgements.conditions)
    assert (facts.trials, facts.annotators_per_trial) == (3_000, 5)
    assert {key.metric for key in judgements.conditions} == {"Focus", "IROF", "IS", "RMA", "ROAD"}
    # 15,004 labels had 3,011 for the finetuned map and 1,961 for the original; 4 of them were given up later.
    assert MEASURES["net_preference"].compute(judgements, 0).value == pytest.approx(0.07, abs=0.001)


@human_sets
def test_two_sets_of_model_vs_human_are_conditions() -> None:
    responses = read_model_vs_human([SETS / "sketch", SETS / "silhouette"], [])
    frame = responses.frame.assign(study="study")
    check_decisions(frame)
    assert (len(frame), responses.participants, responses.dropped) == (7_200, 17, 0)
    assert len(responses.facts["answers"]) == 16
    by_condition = frame.groupby("condition", observed=True)
    assert by_condition["item"].nunique().to_dict() == {"silhouette": 160, "sketch": 800}
    # Each picture was shown once to each participant of its set.
    assert not frame.duplicated(["participant", "item"]).any()
    # Counted in the files: rows whose object_response is their category.
    assert by_condition["is_correct"].sum().to_dict() == {"silhouette": 1_205, "sketch": 5_131}
    # The answers that did not come in time.
    assert int((frame["response"] == "").sum()) == 62


@human_sets
@pytest.mark.django_db
def test_the_command_names_the_sets() -> None:
    run("import_model_vs_human", SETS / "sketch", slug="human", name=["drawn"])
    frame = imported_decisions(Study.objects.get())
    assert set(frame["condition"]) == {"drawn"}
    assert sorted(frame["participant"].unique())[0] == "subject-01"
    assert ImportedResponses.objects.get().kind == "categories"


@exemplars
@pytest.mark.django_db
def test_the_exemplar_study_keeps_practice_and_catch_trials_apart() -> None:
    told = run("import_exemplar_choices", EXEMPLARS, slug="exemplars")
    assert "4,968 responses of 23 participants" in told
    assert "negative reaction times, taken as unknown: 1" in told
    frame = imported_decisions(Study.objects.get())
    check_decisions(frame)
    assert (int(frame["is_practice"].sum()), int(frame["is_catch"].sum())) == (552, 736)
    main = main_decisions(frame)
    assert len(main) == 3_680
    # 10 experts and 13 lay people, 160 main trials each.
    assert main.groupby("group", observed=True)["participant"].nunique().to_dict() == {"expert": 10, "naive": 13}
    assert set(main.groupby("participant", observed=True).size()) == {160}
    assert set(frame["confidence"].unique()) == {1.0, 2.0, 3.0}
    # The paper's first finding: natural references help more than synthetic ones.
    right = main.groupby(main["condition"].astype(str).str.split(" / ").str[0])["is_correct"].mean()
    assert right["natural"] > right["optimized"]


@exemplars
def test_people_of_two_levels_are_different_people() -> None:
    responses = read_exemplar_choices(EXEMPLARS)
    names = set(responses.frame["participant"])
    assert {"expert-01", "naive-01", "naive-13"} <= names
    assert len(names) == 23
